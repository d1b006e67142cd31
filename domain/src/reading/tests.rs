use super::*;
use crate::given::{ADA, T0, after_ms, given, sealed};

fn begin() -> Begin {
    Begin {
        user_id: Some(ADA),
        operation: "exportLogins".into(),
        filters: sealed("filters"),
        origin: None,
        at: T0,
    }
}

fn read() -> ReadingEvent {
    ReadingEvent::Read {
        user_id: Some(ADA),
        operation: "exportLogins".into(),
        filters: sealed("filters"),
        origin: None,
        at: T0,
    }
}

fn end(rows: u64) -> End {
    End {
        rows,
        complete: true,
        at: after_ms(5),
    }
}

fn ended(rows: u64) -> ReadingEvent {
    ReadingEvent::ExportEnded {
        rows,
        complete: true,
        at: after_ms(5),
    }
}

#[test]
fn reading_begins_once() {
    given::<Reading>([]).when(begin()).then([read()]);
    given::<Reading>([read()])
        .when(begin())
        .then_refused(ReadingError::AlreadyBegun);
}

#[test]
fn export_ends_after_it_began_and_only_once() {
    given::<Reading>([]).when(end(3)).then_refused(ReadingError::NotBegun);
    given::<Reading>([read()]).when(end(3)).then([ended(3)]);
    given::<Reading>([read(), ended(3)]).when(end(4)).then_nothing();
}
