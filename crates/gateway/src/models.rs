//! Which models are served, as OpenAI's API tells it.

use crate::gateway::Live;
use crate::wire::reply::Refusal;

/// The answer to a request for a model that is not served.
pub(crate) fn missing(name: &str) -> Refusal {
    let shown: String = name.chars().take(100).collect();
    let message = format!("The model `{shown}` does not exist or you do not have access to it.");
    Refusal {
        param: Some("model"),
        ..Refusal::new(404, "invalid_request_error", "model_not_found", &message)
    }
}

/// The models that have names of their own.
pub(crate) fn names(live: &Live) -> impl Iterator<Item = &str> {
    let all = live.upstreams.iter().flat_map(|upstream| &upstream.models);
    all.map(String::as_str).filter(|name| *name != "*")
}

/// The list of them, as OpenAI tells it.
pub(crate) fn list(live: &Live) -> String {
    let data: Vec<_> = names(live).map(model).collect();
    serde_json::json!({ "object": "list", "data": data }).to_string()
}

/// One of them, as OpenAI tells it.
pub(crate) fn model(name: &str) -> serde_json::Value {
    serde_json::json!({ "id": name, "object": "model", "created": 0, "owned_by": "stillmark" })
}
