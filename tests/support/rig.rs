//! The private machine as a whole, and what one login attempt looked like from both ends.

use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use super::change::{and_then, with_spoiled};
use super::clients::{self, Login, Mailer, Protocol};
use super::command::{must, run};
use super::namespaces;
use super::people::Person;
use super::servers::{self, Dovecot, Posternd, Postfix};
use super::syslog::{Mark, Syslog, audit};

pub struct Rig {
    dovecot: Dovecot,
    _postfix: Postfix,
    pub posternd: Posternd,
    pub log: Syslog,
    /// The configuration of the machine itself, before anything was done.
    pub outside: String,
    names: AtomicU32,
    sources: AtomicU32,
}

impl Rig {
    /// Only inside the namespaces.
    pub fn start() -> Self {
        namespaces::furnish();
        let outside = namespaces::fingerprint();
        let log = Syslog::open();
        servers::furnish();
        servers::install_postern();
        // Postfix first: Dovecot's socket for it lies in its jail.
        let postfix = Postfix::start(&log);
        Self {
            dovecot: Dovecot::start(),
            _postfix: postfix,
            posternd: Posternd::start(),
            log,
            outside,
            names: AtomicU32::new(1),
            sources: AtomicU32::new(1),
        }
    }

    /// A new account without a Unix user, its primary in the store.
    pub fn virtual_person(&self) -> Person {
        Person::in_store(&self.name("alice", "@example.org"))
    }

    /// A new Unix user with an account, its primary checked by PAM.
    pub fn system_person(&self) -> Person {
        Person::in_system(&self.name("bob", ""))
    }

    /// A new Unix user without an account.
    pub fn unix_user(&self) -> Person {
        Person::only_in_system(&self.name("dave", ""))
    }

    /// The same, whose only accounts are those of probes.
    pub fn probed_user(&self) -> Person {
        Person::only_in_system(&self.name("frank", ""))
    }

    /// A new mailbox without an account.
    pub fn stranger(&self) -> Person {
        Person::stranger(&self.name("carol", "@example.org"))
    }

    /// One that nobody else's name has.
    pub fn number(&self) -> u32 {
        self.names.fetch_add(1, Relaxed)
    }

    fn name(&self, stem: &str, domain: &str) -> String {
        format!("{stem}{}{domain}", self.number())
    }

    /// One login with a real client, each from another address.
    #[track_caller]
    pub fn login(&self, protocol: Protocol, account: &str, secret: &str) -> Attempt {
        self.attempt(account, |from| clients::login(protocol, from, account, secret))
    }

    /// One login at the Postfix that asks posternd through the plug-in.
    #[track_caller]
    pub fn submit(&self, mailer: Mailer, mechanism: &str, account: &str, secret: &str) -> Attempt {
        self.attempt(account, |from| clients::submit(mailer, mechanism, from, account, secret))
    }

    fn attempt(&self, account: &str, login: impl FnOnce(&str) -> Login) -> Attempt {
        let from = self.source();
        let since = self.log.mark();
        let login = login(&from);
        Attempt { login, log: self.log.clone(), since, account: account.to_owned(), from }
    }

    /// One PAM transaction without a mail server, as pamtester makes it.
    pub fn pam(&self, service: &str, account: &str, secret: &str) -> Attempt {
        self.pam_by(&["env"], service, account, secret)
    }

    /// The same in a set-uid program that somebody else has started.
    pub fn pam_set_uid(&self, service: &str, account: &str, secret: &str) -> Attempt {
        self.pam_by(&["setpriv", "--ruid", "65534"], service, account, secret)
    }

    /// The same by a root with as little as the unit of posternd leaves it: no capability, and no network.
    pub fn pam_confined(&self, service: &str, account: &str, secret: &str) -> Attempt {
        let confined = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"];
        self.pam_by(&[&["unshare", "--net"], &confined[..]].concat(), service, account, secret)
    }

    fn pam_by(&self, starter: &[&str], service: &str, account: &str, secret: &str) -> Attempt {
        let from = self.source();
        let since = self.log.mark();
        let rhost = format!("rhost={from}");
        let pamtester = ["pamtester", "-I", &rhost, service, account, "authenticate", "acct_mgmt"];
        let words = [starter, &pamtester].concat();
        let done = run(words[0], &words[1..], &format!("{secret}\n"));
        let login = match done.status {
            0 => Login::Ok,
            _ => Login::Refused(done.stderr.trim().to_owned()),
        };
        Attempt { login, log: self.log.clone(), since, account: account.to_owned(), from }
    }

    fn source(&self) -> String {
        let number = self.sources.fetch_add(1, Relaxed) % 60_000;
        format!("127.0.{}.{}", number / 250, 2 + number % 250)
    }

    /// Runs a trial on a Dovecot whose conf.d a shell command has changed, and goes back.
    pub fn with_dovecot(&mut self, change: &str, trial: impl FnOnce(&Self)) {
        let rig = RefCell::new(self);
        let changed = || {
            must(change);
            rig.borrow_mut().dovecot.restart();
            trial(&rig.borrow());
        };
        and_then(|| with_spoiled(&["/etc/dovecot/conf.d"], changed), || rig.borrow_mut().dovecot.restart());
    }
}

/// The same over every protocol, all at once.
pub fn everywhere(trial: impl Fn(Protocol) + Sync) {
    all_at_once(&Protocol::ALL, |protocol| trial(*protocol));
}

/// Many attempts at once: a refusal takes Dovecot half a second, whatever is configured.
pub fn all_at_once<T: Sync>(each: &[T], trial: impl Fn(&T) + Sync) {
    thread::scope(|scope| {
        let trial = &trial;
        let trials: Vec<_> = each.iter().map(|one| scope.spawn(move || trial(one))).collect();
        for trial in trials {
            trial.join().unwrap_or_else(|failure| resume_unwind(failure));
        }
    });
}

/// One login attempt, seen by the client and in the log.
pub struct Attempt {
    pub login: Login,
    pub from: String,
    account: String,
    log: Syslog,
    since: Mark,
}

impl Attempt {
    #[track_caller]
    pub fn granted(&self, path: &str) {
        assert_eq!(self.login, Login::Ok, "{}", self.lines());
        let said = self.audit();
        assert!(
            said.starts_with("granted ") && said.contains(&format!(" path={path}")),
            "path={path}: {said}"
        );
    }

    #[track_caller]
    pub fn denied(&self, why: &str) {
        self.refused();
        let said = self.audit();
        let reason = said.split(' ').find_map(|field| field.strip_prefix("why="));
        assert!(said.starts_with("denied ") && reason == Some(why), "why={why}: {said}");
    }

    /// Refused, by Postern for want of something it needs, and it says how to mend that.
    #[track_caller]
    pub fn unavailable(&self) {
        self.refused();
        let said = self.audit();
        assert!(said.starts_with("unavailable ") && said.contains(" fix=\""), "{said}");
    }

    /// Refused by whomever.
    #[track_caller]
    pub fn refused(&self) {
        assert_ne!(self.login, Login::Ok, "{}", self.lines());
    }

    /// Postern's one line about this attempt.
    #[track_caller]
    pub fn audit(&self) -> String {
        // Each attempt comes from an address of its own, so that several may be under way.
        self.audit_with(&format!(" rhost={} ", self.from))
    }

    /// The same at a door that carries no address; of the account no other attempt may be under way.
    #[track_caller]
    pub fn audit_of_account(&self) -> String {
        self.audit_with(&format!(" account=\"{}\" ", self.account))
    }

    #[track_caller]
    fn audit_with(&self, field: &str) -> String {
        let found = self.log.find(self.since, |line| audit(line).is_some_and(|said| said.contains(field)));
        let line = found.unwrap_or_else(|| panic!("no audit line for {}: {}", self.account, self.lines()));
        audit(&line).unwrap_or_default().to_owned()
    }

    pub fn since(&self) -> Mark {
        self.since
    }

    pub fn lines(&self) -> String {
        self.log.since(self.since).join("\n")
    }
}
