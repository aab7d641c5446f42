//! Logins in other processes, again and again, while something else happens.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use crate::site::{PRIMARY, Site, authenticate_code};
use crate::world::{AUTH_ERR, AUTHINFO_UNAVAIL, IMAP, MAIL, SUCCESS};

/// How many app passwords of his own bob uses, in turn.
const BOBS: usize = 5;

/// Whoever waits too long for the store, on a disk that others keep busy, is told that it is unavailable. That opens
/// nothing, and such a one asks again; but of a hundred logins it may meet one at most.
const ASKS: usize = 5;

/// A site in which others log in all the time.
pub struct Crowd<'a> {
    site: &'a Site,
    /// A secret of alice's, which others try as well.
    contended: RwLock<String>,
    /// Odd: that secret is dead, and stays so as long as the moment is the same.
    moment: AtomicUsize,
    over: AtomicBool,
    /// Logins of bob's, who has nothing to do with it.
    passed: AtomicUsize,
    /// Logins that began when the contended secret was dead, and were refused.
    refused: AtomicUsize,
    unavailable: AtomicUsize,
}

/// Runs `body` while bob logs in and two others try what is contended; what it says, and what they saw.
pub fn amid_a_crowd(site: &Site, body: impl FnOnce(&Crowd<'_>) -> String) -> String {
    site.account("bob", PRIMARY);
    let bobs: Vec<String> = (0..BOBS).map(|n| site.app_password("bob", &n.to_string(), MAIL)).collect();
    let crowd = Crowd {
        site,
        contended: RwLock::default(),
        moment: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        passed: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        unavailable: AtomicUsize::new(0),
    };
    let said = thread::scope(|scope| {
        // Also when the body fails, lest the others go on for ever.
        let _end = EndOf(&crowd.over);
        scope.spawn(|| crowd.bob_passes(&bobs));
        for _ in 0..2 {
            scope.spawn(|| crowd.others_try());
        }
        body(&crowd)
    });
    format!("{said}; {}", crowd.figures())
}

impl Crowd<'_> {
    /// The code of a login over IMAP.
    pub fn login(&self, account: &str, secret: &str) -> i32 {
        for _ in 1..ASKS {
            let line = self.site.login_with(IMAP, account, secret.as_bytes(), &["tell"]);
            if authenticate_code(&line) != AUTHINFO_UNAVAIL {
                return authenticate_code(&line);
            }
            assert!(line.contains("the store is locked by another writer"), "{line}");
            self.unavailable.fetch_add(1, SeqCst);
        }
        self.site.login(IMAP, account, secret)
    }

    /// Takes another secret of alice's, or the same again, which is made good only now.
    pub fn contend_for(&self, make: impl FnOnce() -> String) -> String {
        // To the next even one.
        self.moment.fetch_add(self.moment.load(SeqCst) % 2, SeqCst);
        let secret = make();
        secret.clone_into(&mut self.contended.write().unwrap());
        secret
    }

    /// The end of that secret has been told.
    pub fn it_is_dead(&self) {
        self.moment.fetch_add(1, SeqCst);
    }

    fn bob_passes(&self, secrets: &[String]) {
        for secret in secrets.iter().cycle().take_while(|_| !self.over.load(SeqCst)) {
            assert_eq!(self.login("bob", secret), SUCCESS, "bob has nothing to do with it");
            self.passed.fetch_add(1, SeqCst);
        }
    }

    fn others_try(&self) {
        while !self.over.load(SeqCst) {
            let before = self.moment.load(SeqCst);
            let secret = self.contended.read().unwrap().clone();
            let code = self.login("alice", &secret);
            // Before its end, and while that is under way, either answer will do.
            if before % 2 == 1 && before == self.moment.load(SeqCst) {
                assert_eq!(code, AUTH_ERR, "a login that began after the end was told");
                self.refused.fetch_add(1, SeqCst);
            }
        }
    }

    fn figures(&self) -> String {
        let [passed, refused, unavailable] =
            [&self.passed, &self.refused, &self.unavailable].map(|count| count.load(SeqCst));
        assert!(0 < passed, "nobody logged in meanwhile");
        assert!(unavailable * 100 <= passed + refused, "{unavailable} waited in vain, {passed} passed");
        format!("in the crowd {refused} of {refused}, {passed} others passed, {unavailable} asked again")
    }
}

struct EndOf<'a>(&'a AtomicBool);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}
