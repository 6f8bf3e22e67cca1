//! Devices driven by hand in virtual time.

mod bench;

use super::{Answer, Phase, ReportKind, Request, Step};
use crate::behaviour::{Behaviour, DownloadMode, Slots, Span};
use bench::{Bench, GOOD, Offer};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Every duration is 30 s, so that it falls between two polls 5 minutes apart.
fn steady() -> Behaviour {
    let half_minute = Span::exactly(Duration::from_secs(30));
    Behaviour {
        download_time: half_minute,
        install_time: half_minute,
        reboot_time: half_minute,
        late_by: Span::exactly(Duration::from_secs(1_000)),
        ..Behaviour::default()
    }
}

#[test]
fn an_update_goes_through_all_its_steps() {
    let mut bench = Bench::new(steady());
    bench.wants_attributes = true;
    bench.run_until_said("11 closed success");
    let steps = [
        "poll",
        "attributes 1.0.0",
        "look",
        "11 proceeding none",
        "download",
        "11 downloaded none",
        "11 proceeding none",
        "11 proceeding none",
        "11 closed success",
    ];
    assert_eq!(bench.transcript, steps);
    assert_eq!(
        (bench.device.version(), bench.device.other_slot()),
        ("2.0.0", Some("1.0.0"))
    );
    assert_eq!(bench.device.phase(), Phase::Idle);
    bench.wants_attributes = true;
    bench.run_until_said("attributes 2.0.0");
}

#[test]
fn a_failed_installation_leaves_the_old_version_running() {
    let failure_by_version = BTreeMap::from([("2.0.0".to_owned(), 1.0)]);
    let mut bench = Bench::new(Behaviour {
        failure_by_version,
        ..steady()
    });
    bench.run_until_said("11 closed failure");
    assert_eq!(
        (bench.device.version(), bench.device.other_slot()),
        ("1.0.0", None)
    );
    assert_eq!(bench.device.counters().failures, 1);
    bench.offer = Some(Offer::forced(12, "1.5.0"));
    bench.run_until_said("12 closed success");
    assert_eq!(bench.device.version(), "1.5.0");
}

#[test]
fn a_silent_device_takes_the_update_and_never_talks_again() {
    let mut bench = Bench::new(Behaviour {
        silent_after_update: 1.0,
        ..steady()
    });
    bench.run_until(|bench| bench.device.phase() == Phase::Silent);
    assert_eq!(bench.device.version(), "2.0.0");
    let said = bench.transcript.len();
    bench.device.set_behaviour(Arc::new(steady()));
    bench.now_ms += 1_000_000_000;
    assert_eq!(bench.step(), Step::Park);
    assert_eq!(bench.transcript.len(), said);
    assert_eq!(bench.said("11 closed success"), 0);
}

#[test]
fn a_cancellation_under_way_is_obeyed() {
    let mut bench = Bench::new(steady());
    bench.sleep = "00:00:05";
    bench.run_until(|bench| bench.device.phase() == Phase::Installing);
    bench.cancel = Some(11);
    bench.run_until_said("cancel 11 closed success");
    bench.run_until(|bench| bench.now_ms > 3_600_000);
    assert_eq!(bench.device.version(), "1.0.0");
    assert_eq!(bench.said("11 closed success"), 0);
}

#[test]
fn a_cancellation_under_way_is_refused_and_the_update_ends() {
    let mut bench = Bench::new(Behaviour {
        refuse_cancel: 1.0,
        ..steady()
    });
    bench.sleep = "00:00:05";
    bench.run_until(|bench| bench.device.phase() == Phase::Installing);
    bench.cancel = Some(11);
    bench.run_until_said("cancel 11 rejected none");
    bench.run_until_said("11 closed success");
    assert_eq!(bench.device.counters().cancels_refused, 1);
}

#[test]
fn cancelling_what_is_unknown_works_and_what_is_installed_does_not() {
    let mut bench = Bench::new(steady());
    (bench.offer, bench.cancel) = (None, Some(77));
    bench.run_until_said("cancel 77 closed success");
    bench.offer = Some(Offer::forced(11, "2.0.0"));
    bench.run_until_said("11 closed success");
    bench.cancel = Some(11);
    bench.run_until_said("cancel 11 closed failure");
    assert_eq!(bench.device.version(), "2.0.0");
}

#[test]
fn a_skipped_update_is_staged_and_switched_to_when_forced() {
    for (slots, held) in [(Slots::Two, Some("2.0.0")), (Slots::One, None)] {
        let mut bench = Bench::new(Behaviour { slots, ..steady() });
        bench.offer = Some(Offer {
            update: "skip",
            ..Offer::forced(11, "2.0.0")
        });
        bench.run_until_said("11 downloaded success");
        assert_eq!(bench.device.phase(), Phase::Staged);
        bench.run_until(|bench| bench.now_ms > 3_600_000);
        assert_eq!(
            (bench.device.version(), bench.device.other_slot()),
            ("1.0.0", held)
        );
        bench.offer = Some(Offer::forced(11, "2.0.0"));
        bench.run_until_said("11 closed success");
        assert_eq!(bench.device.version(), "2.0.0");
        assert_eq!(bench.said("download"), 1);
    }
}

#[test]
fn a_device_that_ignores_skip_reports_success_and_installs_nothing() {
    let mut bench = Bench::new(Behaviour {
        honours_skip: false,
        ..steady()
    });
    bench.offer = Some(Offer {
        update: "skip",
        ..Offer::forced(11, "2.0.0")
    });
    bench.run_until_said("11 closed success");
    assert_eq!(
        (bench.device.version(), bench.said("download")),
        ("1.0.0", 0)
    );
    bench.offer = Some(Offer::forced(11, "2.0.0"));
    bench.run_until(|bench| bench.said("11 closed success") == 2);
    assert_eq!(
        (bench.device.version(), bench.said("download")),
        ("2.0.0", 1)
    );
}

#[test]
fn a_report_is_repeated_until_it_is_acknowledged() {
    let mut bench = Bench::new(steady());
    bench.run_until(|bench| bench.device.phase() == Phase::Rebooting && bench.device.unsent() == 0);
    let lost = [503, 500, 429, 409, 401].map(Answer::Refused);
    bench.replies_to_reports = lost.into_iter().chain([Answer::Unreachable]).collect();
    bench.run_until(|bench| bench.offer.is_none());
    assert_eq!(bench.said("11 closed success"), 7);
    let ends = bench
        .device
        .acknowledged()
        .iter()
        .filter(|report| report.kind == ReportKind::Succeeded);
    assert_eq!(ends.count(), 1);
    assert_eq!(
        (bench.device.unsent(), bench.device.counters().dropped),
        (0, 0)
    );
}

#[test]
fn a_report_refused_for_good_is_dropped_and_recorded() {
    let mut bench = Bench::new(steady());
    bench.run_until(|bench| bench.device.phase() == Phase::Rebooting && bench.device.unsent() == 0);
    bench.replies_to_reports = VecDeque::from([Answer::Refused(410)]);
    bench.run_until_said("11 closed success");
    let dropped: Vec<_> = bench
        .device
        .dropped()
        .map(|report| (report.kind, report.status))
        .collect();
    assert_eq!(dropped, [(ReportKind::Succeeded, 410)]);
    bench.run_until(|bench| bench.offer.is_none());
    assert_eq!(
        bench.device.counters().offered_again,
        1,
        "offered again, so told again"
    );
    assert_eq!(bench.said("download"), 1);
}

#[test]
fn a_request_without_an_answer_is_sent_again() {
    let mut bench = Bench::new(steady());
    bench.now_ms = 1_000;
    assert_eq!(
        bench.device.next(bench.now_ms),
        Step::Request(Request::Poll)
    );
    assert_eq!(
        bench.device.next(bench.now_ms),
        Step::Request(Request::Poll)
    );
    bench.device.answer(Answer::Unreachable, bench.now_ms);
    assert!(matches!(
        bench.device.next(bench.now_ms),
        Step::Wait(500..=1_000)
    ));
    bench.run_until_said("11 closed success");
}

#[test]
fn the_same_seed_gives_the_same_transcript() {
    let behaviour = Behaviour {
        install_failure: 0.5,
        report_twice: 0.5,
        late_report: 0.5,
        slow: (1.0, 5.0),
        ..Behaviour::default()
    };
    let fleet = |seed| -> Vec<_> {
        let mut benches: Vec<_> = (0..20)
            .map(|index| Bench::of_device(index, seed, behaviour.clone()))
            .collect();
        benches
            .iter_mut()
            .for_each(|bench| bench.run_until(|bench| bench.now_ms > 3_600_000));
        benches
            .into_iter()
            .map(|bench| (bench.now_ms, bench.transcript))
            .collect()
    };
    assert_eq!(fleet(1), fleet(1));
    assert_ne!(fleet(1), fleet(2));
}

#[test]
fn switching_back_needs_no_download() {
    let mut bench = Bench::new(steady());
    bench.run_until_said("11 closed success");
    bench.offer = Some(Offer {
        switch_back: true,
        ..Offer::forced(12, "1.0.0")
    });
    bench.run_until_said("12 closed success");
    assert_eq!(
        (bench.device.version(), bench.device.other_slot()),
        ("1.0.0", Some("2.0.0"))
    );
    assert_eq!(bench.said("download"), 1);
    bench.offer = Some(Offer {
        switch_back: true,
        ..Offer::forced(13, "0.9.0")
    });
    bench.run_until_said("13 closed success");
    assert_eq!(
        bench.said("download"),
        2,
        "what is in no slot is downloaded"
    );
}

#[test]
fn a_wrong_file_is_noticed_unless_nobody_looks() {
    for file in [(5, "0000"), (4, GOOD)] {
        let mut bench = Bench::new(steady());
        bench.file = file;
        bench.run_until_said("11 closed failure");
        assert_eq!(bench.device.version(), "1.0.0");
        let mut bench = Bench::new(Behaviour {
            verifies_artifact: false,
            ..steady()
        });
        bench.file = file;
        bench.run_until_said("11 closed success");
    }
}

#[test]
fn a_late_report_comes_late_and_the_update_is_not_done_twice() {
    let mut bench = Bench::new(Behaviour {
        late_report: 1.0,
        ..steady()
    });
    bench.run_until(|bench| bench.device.version() == "2.0.0");
    let booted_ms = bench.now_ms;
    bench.run_until_said("11 closed success");
    assert_eq!(bench.now_ms, booted_ms + 1_000_000);
    assert_eq!(
        (
            bench.said("download"),
            bench.device.counters().offered_again
        ),
        (1, 0)
    );
    assert!(bench.said("look") > 1, "it went on polling");
}

#[test]
fn a_doubled_report_is_sent_twice() {
    let mut bench = Bench::new(Behaviour {
        report_twice: 1.0,
        ..steady()
    });
    bench.run_until(|bench| bench.now_ms > 3_600_000);
    assert_eq!(bench.said("11 closed success"), 2);
}

#[test]
fn an_offline_device_does_nothing_until_it_is_brought_online() {
    let mut bench = Bench::new(Behaviour {
        offline: 1.0,
        ..steady()
    });
    assert_eq!(
        (bench.step(), bench.device.phase()),
        (Step::Park, Phase::Offline)
    );
    assert!(bench.device.bring_online());
    assert!(!bench.device.bring_online());
    bench.run_until_said("11 closed success");
}

#[test]
fn a_device_that_finds_nothing_asks_again_when_it_was_told_to() {
    let mut bench = Bench::new(Behaviour {
        offline: 1.0,
        ..steady()
    });
    let offer = bench.offer.take();
    bench.sleep = "00:00:05";
    assert!(bench.device.bring_online());
    bench.run_until_said("poll");
    let first = bench.now_ms;
    bench.offer = offer;
    bench.run_until_said("look");
    assert_eq!((bench.said("poll"), bench.now_ms - first), (2, 5_000));
    bench.run_until_said("11 closed success");
}

#[test]
fn big_fleets_can_do_without_downloads() {
    let mut bench = Bench::new(Behaviour {
        download: DownloadMode::Skip,
        ..steady()
    });
    bench.run_until_said("11 closed success");
    assert_eq!(bench.said("download"), 0);
    let mut bench = Bench::new(Behaviour {
        download: DownloadMode::HeadOnly,
        ..steady()
    });
    bench.run_until_said("11 closed success");
    assert_eq!(bench.said("download"), 1);
}
