//! Events of an execution as they are followed: from the beginning or from the last one seen, without
//! a gap and without a repeat.

use reqwest::Method;
use serde_json::{Value, json};

use super::{add_devices, column, plan, refused};
use crate::support::{CONFIG, Client, PATIENCE, TestApp};

struct Event {
    id: i64,
    kind: String,
    data: Value,
}

/// One connection of someone who follows.
struct Follower {
    answer: reqwest::Response,
    heard: String,
}

impl Follower {
    async fn connect(client: &Client<'_>, execution: &str, last: Option<i64>) -> Self {
        let request = client.request(Method::GET, &format!("/api/deployments/{execution}/events"));
        let request = match last {
            None => request,
            Some(last) => request.header("last-event-id", last),
        };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let heard = String::new();
        Self { answer, heard }
    }

    /// The next event; none when the server ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.heard.split_once("\n\n") {
                let event = read(event);
                self.heard = rest.to_owned();
                match event {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.answer.chunk()).await;
            let bytes = chunk.expect("an event comes").unwrap()?;
            self.heard.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    async fn take(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.unwrap());
        }
        events
    }
}

/// Reads one event; comments that keep the connection alive are none.
fn read(text: &str) -> Option<Event> {
    let field = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    };
    Some(Event {
        id: field("id")?.parse().unwrap(),
        kind: field("event")?.to_owned(),
        data: serde_json::from_str(field("data")?).unwrap(),
    })
}

/// Checks that events are the decisions of an execution from number `first` on.
async fn check(client: &Client<'_>, execution: &str, events: &[Event], first: usize) {
    let found = client
        .get(&format!("/api/deployments/{execution}/decisions"))
        .await;
    let told: Vec<_> = events
        .iter()
        .map(|event| event.data["summary"].as_str().unwrap())
        .collect();
    let decided = column(&found, "summary");
    assert_eq!(told, decided[first - 1..first - 1 + events.len()]);
    assert!(events.is_sorted_by(|a, b| a.id < b.id));
    for (event, number) in events.iter().zip(first..) {
        assert_eq!(event.kind, "execution.decision");
        assert_eq!(event.data["execution_id"], execution);
        assert_eq!(event.data["number"], number);
    }
}

/// Two executions that are open at once, so that their events lie among each other.
async fn two(admin: &Client<'_>) -> (String, String) {
    admin.upload("1.0.0").await;
    add_devices(admin, "staging", 3).await;
    let lab = json!({"device_id": "l", "environment": "lab"});
    admin.post("/api/devices", lab).await;
    let one = admin.roll_out(plan("1.0.0", "staging")).await;
    (one, admin.roll_out(plan("1.0.0", "lab")).await)
}

/// Lets an execution decide twice this often.
async fn pause_and_resume(client: &Client<'_>, executions: &[&str], times: usize) {
    for _ in 0..times {
        for word in ["pause", "resume"] {
            for id in executions {
                client
                    .post(&format!("/api/deployments/{id}/{word}"), json!({}))
                    .await;
            }
        }
    }
}

#[tokio::test]
async fn two_followers_hear_the_same_while_it_happens() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let viewer = app.role("viewer").await;
    let (id, other) = two(&admin).await;
    let mut early = Follower::connect(&admin, &id, None).await;
    let mut late = Follower::connect(&viewer, &id, None).await;
    let hearing = async { tokio::join!(early.take(22), late.take(22)) };
    let both = [&*id, &*other];
    let doing = pause_and_resume(&admin, &both, 10);
    let ((one, two), ()) = tokio::join!(hearing, doing);
    check(&admin, &id, &one, 1).await;
    check(&admin, &id, &two, 1).await;
    assert_eq!(one.last().unwrap().data["status"], "observing");
}

#[tokio::test]
async fn who_comes_back_hears_the_rest_and_nothing_twice() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let (id, other) = two(&admin).await;
    let hearing = async {
        let mut events: Vec<Event> = Vec::new();
        for size in [1, 2, 3, 5, 8, 13, 10] {
            let last = events.last().map(|event| event.id);
            let mut follower = Follower::connect(&admin, &id, last).await;
            events.extend(follower.take(size).await);
        }
        events
    };
    let both = [&*id, &*other];
    let doing = pause_and_resume(&admin, &both, 20);
    let (events, ()) = tokio::join!(hearing, doing);
    check(&admin, &id, &events, 1).await;
    assert_eq!(events.len(), 42);
}

#[tokio::test]
async fn a_long_story_is_told_from_the_beginning_and_goes_on() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let (id, _) = two(&admin).await;
    pause_and_resume(&admin, &[&id], 110).await;
    let mut follower = Follower::connect(&admin, &id, None).await;
    let events = follower.take(222).await;
    check(&admin, &id, &events, 1).await;
    pause_and_resume(&admin, &[&id], 1).await;
    check(&admin, &id, &follower.take(2).await, 223).await;
    // The same by query, for clients that can't set headers.
    let path = format!("/api/deployments/{id}/events?after={}", events[219].id);
    let answer = admin.request(Method::GET, &path).send().await.unwrap();
    let heard = String::new();
    let mut follower = Follower { answer, heard };
    check(&admin, &id, &follower.take(4).await, 221).await;
}

#[tokio::test]
async fn a_server_that_stops_lets_its_followers_go_and_knows_where_they_were() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let (id, _) = two(&admin).await;
    let mut follower = Follower::connect(&admin, &id, None).await;
    let before = follower.take(2).await;
    let app = app.restart(CONFIG).await;
    assert!(follower.next().await.is_none());
    let admin = app.admin();
    pause_and_resume(&admin, &[&id], 1).await;
    let mut follower = Follower::connect(&admin, &id, Some(before[1].id)).await;
    check(&admin, &id, &follower.take(2).await, 3).await;
}

#[tokio::test]
async fn places_that_are_none_are_refused() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let (id, _) = two(&admin).await;
    let path = format!("/api/deployments/{id}/events");
    let request = admin.request(Method::GET, &format!("{path}?after=yesterday"));
    refused(request, 400, "bad_query").await;
    let anonymous = app.http.get(app.url(&path));
    refused(anonymous, 401, "unauthorized").await;
}
