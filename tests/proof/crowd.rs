//! Logins in other processes, again and again, while something else happens.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use crate::site::{PRIMARY, Site, authenticate_code};
use crate::world::{AUTH_ERR, IMAP, MAIL, SUCCESS};

/// How many app passwords of his own bob uses, in turn, so that the store is written to as well.
const BOBS: usize = 5;

/// The secret that everybody tries, and whether it is dead.
pub struct Contended {
    secret: RwLock<String>,
    /// Odd: it is dead, and stays so as long as the moment is the same.
    moment: AtomicUsize,
}

/// What the crowd has seen.
#[derive(Default)]
pub struct Seen {
    /// Logins that passed, as they must.
    passed: AtomicUsize,
    /// Logins that began when the contended secret was dead, and were refused.
    refused: AtomicUsize,
}

impl Contended {
    /// Takes another secret, or the same again, which is made good only now.
    pub fn comes_alive(&self, make: impl FnOnce() -> String) -> String {
        // To the next even one.
        self.moment.fetch_add(self.moment.load(SeqCst) % 2, SeqCst);
        let secret = make();
        secret.clone_into(&mut self.secret.write().unwrap());
        secret
    }

    /// The end of the secret has been told.
    pub fn is_dead(&self) {
        self.moment.fetch_add(1, SeqCst);
    }
}

/// Runs `body` while bob logs in and two others try what is contended.
pub fn amid_a_crowd(site: &Site, body: impl FnOnce(&Contended)) -> Seen {
    site.account("bob", PRIMARY);
    let bobs: Vec<String> = (0..BOBS).map(|n| site.app_password("bob", &format!("{n}"), MAIL)).collect();
    let contended = Contended { secret: RwLock::default(), moment: AtomicUsize::new(0) };
    let (seen, over) = (Seen::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        // Also when the body fails, lest the others go on for ever.
        let _end = EndOf(&over);
        scope.spawn(|| pass_in_turn(site, &bobs, &seen, &over));
        for _ in 0..2 {
            scope.spawn(|| try_again_and_again(site, &contended, &seen, &over));
        }
        body(&contended);
    });
    seen
}

fn pass_in_turn(site: &Site, secrets: &[String], seen: &Seen, over: &AtomicBool) {
    for secret in secrets.iter().cycle().take_while(|_| !over.load(SeqCst)) {
        let line = site.login_with(IMAP, "bob", secret.as_bytes(), &["tell"]);
        assert_eq!(authenticate_code(&line), SUCCESS, "bob has nothing to do with it: {line}");
        seen.passed.fetch_add(1, SeqCst);
    }
}

fn try_again_and_again(site: &Site, contended: &Contended, seen: &Seen, over: &AtomicBool) {
    while !over.load(SeqCst) {
        let before = contended.moment.load(SeqCst);
        let secret = contended.secret.read().unwrap().clone();
        let code = site.login(IMAP, "alice", &secret);
        // Before its end, and while that is under way, either answer will do.
        if before % 2 == 1 && before == contended.moment.load(SeqCst) {
            assert_eq!(code, AUTH_ERR, "a login that began after the end was told");
            seen.refused.fetch_add(1, SeqCst);
        }
    }
}

struct EndOf<'a>(&'a AtomicBool);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

impl Seen {
    /// `of`: how many logins of the body's own were refused after an end.
    pub fn figures(&self, of: usize) -> String {
        let (passed, refused) = (self.passed.load(SeqCst), self.refused.load(SeqCst));
        assert!(passed > 0, "nobody logged in meanwhile");
        format!(
            "{of} of {of} refused after the end, and {refused} of {refused} in the crowd; {passed} others passed"
        )
    }
}
