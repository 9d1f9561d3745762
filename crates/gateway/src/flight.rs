//! A request that was let in, until what it cost is settled: at the latest when it is dropped, whatever ended it.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use stillmark_evidence::Digest;
use stillmark_evidence::keys::KeyId;
use stillmark_evidence::receipt::{Receipt, Tokens};

use crate::door::Admitted;
use crate::gateway::Gateway;
use crate::limit::Link;
use crate::meter::{Cost, Denied, Ticket};
use crate::metrics::Event;
use crate::receipts::{Given, ReceiptError};
use crate::usage::Watch;
use crate::veil::Veil;

/// What a receipt says of the request that it is for.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) tenant: KeyId,
    pub(crate) grant: Option<Digest>,
    pub(crate) model: String,
    pub(crate) prompt: String,
}

/// A request for more, and what comes of it: a ticket, and for how many tokens it is.
pub(crate) type Growth = Pin<Box<dyn Future<Output = Result<(Ticket, u64), Denied>>>>;

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) gateway: Arc<Gateway>,
    link: Option<Rc<Link>>,
    /// The first is settled by what the request cost, the others, of an answer that grew, by nothing.
    tickets: Vec<Ticket>,
    /// What is settled in the end: what was reserved, until more is known.
    cost: Cost,
    /// Tokens of the answer for which something is reserved.
    reserved: u64,
    is_known: bool,
    /// The receipt that is due, until it is given.
    due: Option<Due>,
    /// What changes the log-probabilities of the answer.
    pub(crate) veil: Option<Veil>,
}

impl Flight {
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        link: Option<Rc<Link>>,
        admitted: Admitted,
        due: Option<Due>,
    ) -> Self {
        gateway.metrics.flight(1);
        let Admitted { ticket, estimate } = admitted;
        let tickets = vec![ticket];
        let (cost, reserved) = (estimate, estimate.answer);
        Self { gateway, link, tickets, cost, reserved, is_known: false, due, veil: None }
    }

    /// Nothing was answered, and nothing is charged.
    pub(crate) fn cost_nothing(&mut self) {
        self.cost = Cost::default();
        self.is_known = true;
    }

    /// The server behind told the usage.
    pub(crate) fn cost(&mut self, cost: Cost) {
        self.cost = cost;
        self.is_known = true;
    }

    /// The answer ended without a word of its usage: what was seen of it counts.
    pub(crate) fn seen(&mut self, answer: u64) {
        self.cost.answer = answer;
    }

    /// What a stream that was watched came to: the usage it told, or else what was seen of it.
    pub(crate) fn watched(&mut self, watch: &Watch) {
        match watch.told() {
            Some(cost) => self.cost(cost),
            None => self.seen(watch.seen()),
        }
    }

    /// Whether a receipt is due.
    pub(crate) fn owes(&self) -> bool {
        self.due.is_some()
    }

    /// The receipt for what was answered, which costs what is known by now; none where none is due any more.
    pub(crate) fn receipt(&mut self, answer: &str) -> Result<Option<Receipt>, ReceiptError> {
        let (Some(due), Some(receipts)) = (self.due.take(), &self.gateway.receipts) else { return Ok(None) };
        let tokens = Tokens { prompt: self.cost.prompt, answer: self.cost.answer };
        let given = Given {
            tenant: due.tenant,
            grant: due.grant,
            model: &due.model,
            prompt: &due.prompt,
            answer,
            tokens,
        };
        receipts.issue(&given).map(Some)
    }

    /// What asks for more where an answer of so many tokens outgrows what was reserved.
    pub(crate) fn growth(&self, answer: u64) -> Option<Growth> {
        let more = answer.checked_sub(self.reserved).filter(|more| *more > 0)?.max(256);
        let claims = self.tickets.first()?.growth(more);
        let (gateway, link) = (Arc::clone(&self.gateway), self.link.clone());
        Some(Box::pin(async move {
            let extended = gateway.meter.extend(link.as_deref(), gateway.now_ms(), claims).await;
            extended.map(|ticket| (ticket, more))
        }))
    }

    /// Takes what an answer grew by.
    pub(crate) fn grown(&mut self, ticket: Ticket, more: u64) {
        self.tickets.push(ticket);
        self.reserved += more;
        self.cost.answer = self.reserved;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let gateway = &self.gateway;
        if !self.is_known {
            gateway.metrics.count(Event::Estimated);
        }
        gateway.metrics.flight(-1);
        gateway.metrics.spent(self.cost.prompt, self.cost.answer);
        let mut cost = self.cost;
        for ticket in &self.tickets {
            gateway.meter.settle(self.link.as_deref(), gateway.now_ms(), ticket, cost);
            cost = Cost::default();
        }
    }
}
