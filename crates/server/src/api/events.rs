//! `/api/deployments/{execution_id}/events`: what happens, as it happens. A client that lost its
//! connection says the last event it saw and misses nothing.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use fleetward_store::outbox::{self, Event as Stored};
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::sync::broadcast::{self, error::RecvError};
use utoipa::IntoParams;

use super::error::ApiResult;
use super::extract::{Caller, Path, Query};
use crate::app::App;

const AT_ONCE: u32 = 200;
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// Events after this one; the header `Last-Event-ID` says the same. From the beginning when absent.
    after: Option<i64>,
}

/// Follow an execution: server-sent events, from the beginning or after the last one seen.
#[utoipa::path(get, path = "/api/deployments/{execution_id}/events", tag = "deployments",
    operation_id = "follow_deployment",
    params(From), responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(super) async fn follow(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(from): Query<From>,
    headers: HeaderMap,
    Caller(call): Caller,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let execution_key = app.execution_key(&call, id).await?;
    let seen = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let follower = Follower {
        live: app.announcer.listen(),
        app,
        execution_key,
        last: seen.or(from.after).unwrap_or(0),
        behind: true,
        ready: VecDeque::new(),
    };
    let events = stream::unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        Some((Ok(sse(&event)), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Follower {
    app: Arc<App>,
    live: broadcast::Receiver<Arc<Stored>>,
    execution_key: i64,
    last: i64,
    behind: bool,
    ready: VecDeque<Arc<Stored>>,
}

impl Follower {
    /// The next event, first from the table and then as they are announced; none when the server stops.
    async fn next(&mut self) -> Option<Arc<Stored>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.last = event.number;
                return Some(event);
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            let stop = self.app.stop.clone();
            let heard = tokio::select! {
                () = stop.cancelled() => return None,
                heard = self.live.recv() => heard,
            };
            match heard {
                Ok(event) => {
                    let ours = event.execution_key == self.execution_key;
                    if ours && event.number > self.last {
                        self.ready.push_back(event);
                    }
                }
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    async fn catch_up(&mut self) -> Option<()> {
        let (key, last) = (self.execution_key, self.last);
        let read = move |tx: &fleetward_store::Tx<'_>| outbox::of_execution(tx, key, last, AT_ONCE);
        let found = self.app.store.read(read).await.ok()?;
        self.behind = found.len() == AT_ONCE as usize;
        self.ready.extend(found.into_iter().map(Arc::new));
        Some(())
    }
}

fn sse(event: &Stored) -> Event {
    Event::default()
        .id(event.number.to_string())
        .event(&event.kind)
        .data(event.body.to_string())
}
