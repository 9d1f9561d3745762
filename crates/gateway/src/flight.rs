//! A request that was let in, until what it cost is settled: at the latest when it is dropped, whatever ended it.

use std::sync::Arc;

use crate::gateway::Gateway;
use crate::meter::{Cost, Ticket};
use crate::metrics::Event;

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) gateway: Arc<Gateway>,
    ticket: Ticket,
    /// What is settled in the end: what was reserved, until more is known.
    cost: Cost,
    /// Tokens of the answer for which something is reserved.
    reserved: u64,
    is_known: bool,
}

impl Flight {
    pub(crate) fn new(gateway: Arc<Gateway>, ticket: Ticket, estimate: Cost) -> Self {
        gateway.metrics.flight(1);
        Self { gateway, ticket, cost: estimate, reserved: estimate.answer, is_known: false }
    }

    pub(crate) fn ticket(&self) -> &Ticket {
        &self.ticket
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

    /// Whether an answer may grow to so many tokens: where it outgrows what was reserved, more is.
    pub(crate) fn may_grow(&mut self, answer: u64) -> bool {
        if answer <= self.reserved {
            return true;
        }
        let more = (answer - self.reserved).max(256);
        let grown = self.gateway.meter.extend(self.gateway.now_ms(), &mut self.ticket, more);
        if grown {
            self.reserved += more;
            self.cost.answer = self.reserved;
        }
        grown
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
        gateway.meter.settle(gateway.now_ms(), &self.ticket, self.cost);
    }
}
