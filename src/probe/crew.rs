//! Several attempts at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::crypto::secret::Secret;
use crate::hosts::NotRun;
use crate::probe::attempt::{Due, Kind};
use crate::probe::client::{Answer, Certificates, Login};
use crate::probe::door::Door;
use crate::probe::way::{Source, Way};

/// Attempts at once that ask for no primary; each takes its seconds.
const AT_ONCE: usize = 5;

/// Those whose primary must be checked. That is done one by one on a small machine, and nobody may wait for it longer
/// than a second: more of ours would have other people put off.
const PRIMARIES_AT_ONCE: usize = 3;

/// How often an attempt is made that is only put off.
const PUT_OFF: usize = 3;

/// One attempt that is to be made.
pub(super) struct Task {
    /// The place of its door.
    pub target: usize,
    pub kind: Kind,
    pub due: Due,
    pub way: Way,
    pub source: Source,
    pub account: String,
    pub secret: Secret,
    /// The app password whose use is looked for.
    pub called: Option<String>,
}

/// Those who make attempts.
pub(super) struct Crew<'a> {
    pub doors: Vec<&'a Door>,
    pub certificates: Certificates,
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

impl Crew<'_> {
    /// Makes all attempts; `None` where somebody has said stop.
    pub(super) fn make(&self, tasks: &[Task], tell: &mut dyn FnMut(usize)) -> Option<Vec<Answer>> {
        let (primaries, others): (Vec<_>, Vec<_>) =
            tasks.iter().enumerate().partition(|(_, task)| task.kind.has_primary());
        let mut answers: Vec<Option<Answer>> = tasks.iter().map(|_| None).collect();
        let (answer, hear) = mpsc::channel();
        let (first, second) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for (queue, next, workers) in
                [(&primaries, &first, PRIMARIES_AT_ONCE), (&others, &second, AT_ONCE)]
            {
                for _ in 0..workers.min(queue.len()) {
                    let answer = answer.clone();
                    scope.spawn(move || self.work(queue, next, &answer));
                }
            }
            drop(answer);
            for (done, (place, answer)) in (1..).zip(hear) {
                tell(done);
                if let Some(room) = answers.get_mut(place) {
                    *room = Some(answer);
                }
            }
        });
        answers.into_iter().collect()
    }

    /// Makes one attempt after the other, as long as there are any.
    fn work(&self, queue: &[(usize, &Task)], next: &AtomicUsize, tell: &mpsc::Sender<(usize, Answer)>) {
        while let Some((place, task)) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Ok(answer) = self.attempt(task) else { return };
            if tell.send((*place, answer)).is_err() {
                return;
            }
        }
    }

    fn attempt(&self, task: &Task) -> Result<Answer, NotRun> {
        let door = self.doors.get(task.target).ok_or(NotRun::Stopped)?;
        let (way, source, certificates) = (&task.way, task.source, self.certificates);
        let login = Login { door, way, source, account: &task.account, secret: &task.secret, certificates };
        let mut answer = login.try_it(self.stop)?;
        for _ in 1..PUT_OFF {
            if !matches!(answer, Answer::NotNow(_)) {
                break;
            }
            thread::sleep(Duration::from_secs(1));
            answer = login.try_it(self.stop)?;
        }
        Ok(answer)
    }
}
