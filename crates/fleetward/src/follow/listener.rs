//! The event stream of an execution, kept open in the background and resumed where it broke off.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::client::Client;
use crate::event_stream::EventStream;

/// Time before a broken stream is opened again.
const REOPEN_AFTER: Duration = Duration::from_secs(2);
/// The longest silence before a stream counts as broken.
const SILENCE: Duration = Duration::from_secs(90);

/// A stream that is listened to until this is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    event: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Listens to the events of an execution. Needs a tokio runtime.
    pub(super) fn start(client: Client, execution: String) -> Self {
        let event = Arc::new(Notify::new());
        let task = tokio::spawn(listen(client, execution, Arc::clone(&event)));
        Self { event, task }
    }

    /// Waits for an event; returns at once where one came since the last call.
    pub(super) async fn event(&self) {
        self.event.notified().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(client: Client, execution: String, event: Arc<Notify>) {
    let mut stream = EventStream::default();
    loop {
        let path = ["deployments", &execution, "events"];
        if let Ok(response) = client.events(&path, stream.last_id()).await {
            hear(response, &mut stream, &event).await;
            stream.reset();
        }
        sleep(REOPEN_AFTER).await;
    }
}

/// Reads the stream to its end.
async fn hear(mut response: Response, stream: &mut EventStream, event: &Notify) {
    while let Ok(Ok(Some(piece))) = timeout(SILENCE, response.chunk()).await {
        if stream.push(&piece) > 0 {
            event.notify_one();
        }
    }
}
