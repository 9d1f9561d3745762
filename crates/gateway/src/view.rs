//! What a request is answered under: what was in force when it began, and how its thread reaches the servers behind.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::gateway::{Gateway, Live, Target, Upstream};
use crate::upstream::{Embedded, Failure, Http, Outgoing, Reply, ask_embedded};

/// What was in force when a request began.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) live: Arc<Live>,
    behind: Vec<Behind>,
}

/// How a thread reaches a server behind.
#[derive(Debug)]
enum Behind {
    Http(Http),
    Embedded(Arc<dyn Embedded>),
}

/// The view that a thread took last.
#[derive(Debug)]
pub(crate) struct Views {
    last: RefCell<Rc<View>>,
}

impl View {
    fn new(live: Arc<Live>) -> Self {
        let reach = |upstream: &Upstream| match &upstream.target {
            Target::Http(url) => Behind::Http(Http::new(url, None)),
            Target::Https(url, roots) => Behind::Http(Http::new(url, Some(roots.clone()))),
            Target::Embedded(model) => Behind::Embedded(Arc::clone(model)),
        };
        let behind = live.upstreams.iter().map(reach).collect();
        Self { live, behind }
    }

    pub(crate) async fn ask(&self, at: usize, outgoing: &Outgoing) -> Result<Reply, Failure> {
        let Upstream { idle, retries, .. } = &self.live.upstreams[at];
        match &self.behind[at] {
            Behind::Embedded(model) => ask_embedded(model.as_ref(), outgoing, *idle).await,
            Behind::Http(http) => http.ask(outgoing, *idle, *retries).await,
        }
    }
}

impl Views {
    pub(crate) fn new(gateway: &Gateway) -> Self {
        Self { last: RefCell::new(Rc::new(View::new(gateway.live()))) }
    }

    /// What is in force now. Connections that are kept end with the view that they belong to.
    pub(crate) fn now(&self, gateway: &Gateway) -> Rc<View> {
        let mut last = self.last.borrow_mut();
        if !gateway.is_live(&last.live) {
            *last = Rc::new(View::new(gateway.live()));
        }
        Rc::clone(&last)
    }
}
