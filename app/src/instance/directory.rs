//! Who does what, as this instance knows it: what it holds itself, and what it last read in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use miroir_domain::duty::{Duty, falls_to};
use miroir_ports::inbound::{InstanceView, Keeper, LeaseView, Peer};
use miroir_ports::outbound::Lease;
use tokio::sync::watch;
use tokio::time::Instant;

use super::lease::Trust;

/// What the scope of the lease that says an instance lives begins with; its holder is the URL of the instance.
pub(super) const LIFE: &str = "instance:";

/// How long what was read in the store counts. It is read several times in that time.
const FRESH: Duration = Duration::from_secs(2);

/// The directory of one instance.
pub struct Directory {
    /// The name of this instance.
    pub me: String,
    /// Where the others reach it.
    pub url: String,
    /// The duties there are. Any other may be done by anybody.
    duties: BTreeSet<Duty>,
    view: watch::Sender<View>,
}

#[derive(Default)]
struct View {
    /// When the store was last read.
    read_at: Option<Instant>,
    /// Whether the sign of life under the name of this instance is its own: a predecessor's may still run, or another instance
    /// may have been given the same name.
    alive: bool,
    /// Where each live instance is reached.
    urls: BTreeMap<String, String>,
    /// The running term of each scope.
    terms: BTreeMap<String, Lease>,
    /// What this instance does.
    held: BTreeMap<String, Trust>,
}

impl View {
    /// Whether it still counts: not in an instance that was paused and wakes up, before it has read the store again.
    fn is_fresh(&self) -> bool {
        self.read_at.is_some_and(|read_at| read_at.elapsed() < FRESH)
    }
}

impl Directory {
    /// A directory that knows nothing yet.
    pub fn new(me: String, url: String, duties: impl IntoIterator<Item = Duty>) -> Self {
        Self { me, url, duties: duties.into_iter().collect(), view: watch::Sender::default() }
    }

    /// Every duty there is.
    pub fn duties(&self) -> impl Iterator<Item = &Duty> {
        self.duties.iter()
    }

    /// The scope of the lease that says this instance lives.
    pub(super) fn life(&self) -> String {
        format!("{LIFE}{}", self.me)
    }

    /// These terms run, by the store; this instance is `alive` when the one of its name is its own.
    pub(super) fn read(&self, leases: Vec<Lease>, alive: bool) {
        let (lives, terms): (Vec<Lease>, Vec<Lease>) =
            leases.into_iter().partition(|lease| lease.scope.starts_with(LIFE));
        let urls = lives.into_iter().map(|life| (life.scope[LIFE.len()..].to_owned(), life.holder)).collect();
        let terms = terms.into_iter().map(|term| (term.scope.clone(), term)).collect();
        self.view.send_if_modified(|view| {
            let changed = !view.is_fresh()
                || view.alive != alive
                || view.urls != urls
                || !same_terms(&view.terms, &terms);
            *view = View {
                read_at: Some(Instant::now()),
                alive,
                urls,
                terms,
                held: std::mem::take(&mut view.held),
            };
            changed
        });
    }

    /// This instance does `duty` from now on, as long as `trust` holds.
    pub(super) fn hold(&self, duty: &Duty, trust: Trust) {
        self.view.send_modify(|view| drop(view.held.insert(duty.scope(), trust)));
    }

    /// This instance does `duty` no more.
    pub(super) fn withdraw(&self, duty: &Duty) {
        self.view.send_if_modified(|view| view.held.remove(&duty.scope()).is_some());
    }

    /// Whether `duty` falls to this instance: what is not dealt out falls to everyone, and one gets it.
    pub(super) fn falls_here(&self, duty: &Duty) -> bool {
        let view = self.view.borrow();
        view.alive
            && (!duty.is_dealt_out()
                || falls_to(duty, view.urls.keys().map(String::as_str)) == Some(self.me.as_str()))
    }

    /// Waits until `look` finds something here.
    pub(super) async fn until<T>(&self, look: impl Fn(&Self) -> Option<T>) -> T {
        let mut changes = self.view.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(found) = look(self) {
                return found;
            }
            // The sender is this directory's own.
            let _ = changes.changed().await;
        }
    }

    /// Who does `duty`.
    pub fn keeper(&self, duty: &Duty) -> Keeper {
        if !self.duties.contains(duty) {
            return Keeper::Here;
        }
        let (scope, view) = (duty.scope(), self.view.borrow());
        if view.held.get(&scope).is_some_and(Trust::holds) {
            return Keeper::Here;
        }
        if !view.is_fresh() {
            return Keeper::Unknown;
        }
        let Some(term) = view.terms.get(&scope) else { return Keeper::Nobody };
        match view.urls.get(&term.holder) {
            // A term of its own that it does not serve, or not any more.
            Some(url) if *url == self.url => Keeper::Nobody,
            Some(url) => {
                Keeper::At(Peer { instance: term.holder.clone(), url: url.clone(), token: term.token })
            }
            None => Keeper::Nobody,
        }
    }

    /// Waits until another than `known` does `duty`, and answers who.
    pub async fn other_keeper(&self, duty: &Duty, known: &Keeper) -> Keeper {
        self.until(|directory| Some(directory.keeper(duty)).filter(|keeper| keeper != known)).await
    }
}

/// Whether the same instances do the same in the same terms; that a term is longer now is nothing new.
fn same_terms(one: &BTreeMap<String, Lease>, other: &BTreeMap<String, Lease>) -> bool {
    let who = |lease: &Lease| (lease.token, lease.holder.clone());
    one.len() == other.len()
        && one.iter().zip(other).all(|((one, a), (other, b))| one == other && who(a) == who(b))
}

/// The instances among running terms.
pub(super) fn instances(leases: &[Lease], me: &str) -> Vec<InstanceView> {
    let lives = leases.iter().filter_map(|lease| Some((lease.scope.strip_prefix(LIFE)?, &lease.holder)));
    let view = |(id, url): (&str, &String)| {
        let held = leases.iter().filter(|lease| lease.holder == id && !lease.scope.starts_with(LIFE));
        let duties: Vec<String> = held.map(|lease| lease.scope.clone()).collect();
        InstanceView {
            id: id.to_owned(),
            url: url.clone(),
            here: id == me,
            leads: duties.contains(&Duty::Writes.scope()),
            duties,
        }
    };
    lives.map(view).collect()
}

/// The terms of duties among all that run.
pub(super) fn terms(leases: Vec<Lease>) -> Vec<LeaseView> {
    let terms = leases.into_iter().filter(|lease| !lease.scope.starts_with(LIFE));
    let view = |lease: Lease| LeaseView {
        scope: lease.scope,
        holder: lease.holder,
        token: lease.token,
        expires_at: lease.expires_at,
    };
    terms.map(view).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use miroir_domain::Timestamp;
    use tokio::time::timeout;

    use super::*;

    fn directory() -> Directory {
        let sink = Duty::Sink("audit".parse().unwrap());
        Directory::new("one".to_owned(), "http://one".to_owned(), [Duty::Writes, sink])
    }

    fn lease(scope: &str, holder: &str, token: u64) -> Lease {
        let expires_at = Timestamp::from_millis(0);
        Lease { scope: scope.to_owned(), holder: holder.to_owned(), expires_at, token }
    }

    fn lives() -> Vec<Lease> {
        vec![lease("instance:one", "http://one", 1), lease("instance:two", "http://two", 1)]
    }

    fn at_two(token: u64) -> Keeper {
        Keeper::At(Peer { instance: "two".to_owned(), url: "http://two".to_owned(), token })
    }

    fn trust() -> (watch::Sender<Instant>, Trust) {
        let (sender, receiver) = watch::channel(Instant::now() + Duration::from_secs(1));
        (sender, Trust::of(receiver))
    }

    #[tokio::test(start_paused = true)]
    async fn keeper_is_who_holds_the_term() {
        let directory = directory();
        assert_eq!(directory.keeper(&Duty::Writes), Keeper::Unknown);
        directory.read(lives(), true);
        assert_eq!(directory.keeper(&Duty::Writes), Keeper::Nobody);
        directory.read([lives(), vec![lease("writes", "two", 3)]].concat(), true);
        assert_eq!(directory.keeper(&Duty::Writes), at_two(3));
        tokio::time::advance(FRESH).await;
        assert_eq!(directory.keeper(&Duty::Writes), Keeper::Unknown, "that was long ago");
        directory.read([lives(), vec![lease("writes", "two", 3)]].concat(), true);
        assert_eq!(directory.keeper(&Duty::Writes), at_two(3));
    }

    #[test]
    fn holder_that_shows_no_life_is_nobody() {
        let directory = directory();
        directory.read(vec![lives().remove(0), lease("writes", "two", 3)], true);
        assert_eq!(directory.keeper(&Duty::Writes), Keeper::Nobody);
    }

    #[test]
    fn duty_that_does_not_exist_is_for_anybody() {
        let directory = directory();
        directory.read(lives(), true);
        assert_eq!(directory.keeper(&Duty::Sink("unheard-of".parse().unwrap())), Keeper::Here);
        assert_eq!(directory.keeper(&Duty::Canaries(0)), Keeper::Here);
    }

    #[tokio::test(start_paused = true)]
    async fn duty_is_here_as_long_as_its_term_is_trusted() {
        let directory = directory();
        directory.read([lives(), vec![lease("writes", "one", 3)]].concat(), true);
        assert_eq!(directory.keeper(&Duty::Writes), Keeper::Nobody, "it has not taken its seat");
        let (_running, trust) = trust();
        directory.hold(&Duty::Writes, trust);
        assert_eq!(directory.keeper(&Duty::Writes), Keeper::Here);
        tokio::time::advance(FRESH * 3 / 4).await;
        assert_eq!(directory.keeper(&Duty::Writes), Keeper::Nobody);
        directory.withdraw(&Duty::Writes);
        assert_eq!(directory.keeper(&Duty::Writes), Keeper::Nobody);
    }

    #[test]
    fn instance_of_the_same_name_is_another_one() {
        let directory = directory();
        let leases = vec![lease("instance:one", "http://elsewhere", 1), lease("writes", "one", 3)];
        directory.read(leases, false);
        assert!(!directory.falls_here(&Duty::Writes));
        let Keeper::At(peer) = directory.keeper(&Duty::Writes) else { panic!("it is not here") };
        assert_eq!(peer.url, "http://elsewhere");
    }

    #[test]
    fn what_is_dealt_out_falls_to_one_and_the_writes_to_everyone() {
        let sink = Duty::Sink("audit".parse().unwrap());
        let one = directory();
        let two = Directory::new("two".to_owned(), "http://two".to_owned(), [Duty::Writes, sink.clone()]);
        for directory in [&one, &two] {
            assert!(!directory.falls_here(&Duty::Writes), "it has shown no life yet");
            directory.read(lives(), true);
            assert!(directory.falls_here(&Duty::Writes));
        }
        assert!(one.falls_here(&sink) != two.falls_here(&sink));
    }

    #[tokio::test(start_paused = true)]
    async fn other_keeper_waits_for_another_term_and_not_for_a_longer_one() {
        let directory = Arc::new(directory());
        let leases = |token| [lives(), vec![lease("writes", "two", token)]].concat();
        directory.read(leases(3), true);
        let waiting = tokio::spawn({
            let directory = Arc::clone(&directory);
            async move { directory.other_keeper(&Duty::Writes, &at_two(3)).await }
        });
        tokio::task::yield_now().await;
        directory.read(leases(3), true);
        let mut waiting = waiting;
        assert!(timeout(FRESH / 2, &mut waiting).await.is_err());
        directory.read(leases(4), true);
        assert_eq!(waiting.await.unwrap(), at_two(4));
    }

    #[test]
    fn instances_are_shown_with_what_they_do() {
        let leases = [lives(), vec![lease("sink:audit", "one", 2), lease("writes", "two", 3)]].concat();
        let shown = instances(&leases, "one");
        let brief: Vec<_> =
            shown.iter().map(|one| (one.id.as_str(), one.here, one.leads, one.duties.join(","))).collect();
        assert_eq!(
            brief,
            [("one", true, false, "sink:audit".to_owned()), ("two", false, true, "writes".to_owned())]
        );
        let scopes: Vec<String> = terms(leases).into_iter().map(|term| term.scope).collect();
        assert_eq!(scopes, ["sink:audit", "writes"]);
    }
}
