//! The audit of an export, where there is no store.

use std::io::{self, BufRead};

use super::{
    examiner::{Examiner, Slot},
    finding::{Finding, Kind, Report},
    held::check_notes,
};
use crate::proof::{
    export::{Foot, Head, Line},
    frontier::Frontier,
    note::NoteKey,
    shape,
    shelf::FoundNote,
};

/// Longest line that is read, in bytes.
const LINE_MAX: u64 = 64 * 1024 * 1024;
/// Last position that a log can have.
const POSITION_MAX: u64 = u64::MAX >> 1;

/// Compares an export with checkpoints.
///
/// # Errors
///
/// When it cannot be read.
pub fn audit_export(
    export: &mut dyn BufRead,
    notes: Vec<FoundNote>,
    key: &NoteKey,
    progress: &dyn Fn(u64),
) -> io::Result<Report> {
    let mut lines = Lines { export, number: 0 };
    let head = match lines.next()? {
        Some(Ok(Line::Head { export })) if export.form == 1 && (1..=POSITION_MAX).contains(&export.from) => export,
        _ => return Ok(unreadable("its first line is not that of an export")),
    };
    let Some(before) = before(&head) else {
        return Ok(unreadable("its first line does not fit the first event"));
    };
    let (checkpoints, wrong) = check_notes(notes, key, Some(head.log));
    let mut examiner = Examiner::behind(before, checkpoints);
    let mut report = loop {
        let position = examiner.next();
        let line = match lines.next()? {
            Some(Ok(line)) => line,
            None => break cut_off(examiner),
            Some(Err(reason)) => break broken(examiner, format!("line {}: {reason}", lines.number)),
        };
        match line {
            Line::Head { .. } => break broken(examiner, format!("line {} is a first line", lines.number)),
            Line::Foot { end } => break finish(examiner, &end),
            Line::Event(line) => match line.event() {
                Ok((event, leaf)) => {
                    let (event, leaf) = (Some(&event), Some(leaf));
                    examiner.look(Slot { event, leaf });
                    progress(position);
                }
                Err(reason) => break broken(examiner, format!("line {}: {reason}", lines.number)),
            },
        }
    };
    if lines.next()?.is_some() {
        let more = format!("line {} stands behind the last one", lines.number);
        report.findings.push(Finding::new(Kind::Inserted).with_evidence(more));
    }
    report.findings.extend(wrong);
    report.sound = report.findings.is_empty();
    Ok(report)
}

/// The tree before the first event, as the export has it: the checkpoint shows whether that is true.
fn before(head: &Head) -> Option<Frontier> {
    let mut frontier = Frontier::default();
    let blocks = shape::blocks(0..head.from - 1);
    if blocks.len() != head.before.len() {
        return None;
    }
    let fits = blocks
        .into_iter()
        .zip(&head.before)
        .all(|(block, hash)| frontier.push_block(block, *hash));
    fits.then_some(frontier)
}

fn finish(mut examiner: Examiner, foot: &Foot) -> Report {
    let last = examiner.next() - 1;
    let blocks = shape::blocks(last..foot.size.max(last));
    let fits = foot.to == last && (last..=POSITION_MAX).contains(&foot.size) && blocks.len() == foot.after.len();
    if !fits {
        let mut report = examiner.finish_part();
        // Events are missing, or there are too many: which ones, the numbers have told where they could.
        if report.findings.is_empty() {
            let kind = if foot.to > last { Kind::CutOff } else { Kind::Inserted };
            let position = if foot.to > last { last + 1 } else { foot.to + 1 };
            report
                .findings
                .push(Finding::at(kind, position).with_evidence("the last line says so"));
        }
        return report;
    }
    let mut whole = true;
    for (block, hash) in blocks.into_iter().zip(&foot.after) {
        whole = whole && examiner.skip(block, *hash);
    }
    examiner.compare();
    examiner.finish_part()
}

/// The export ends without its last line.
fn cut_off(examiner: Examiner) -> Report {
    let next = examiner.next();
    let mut report = examiner.finish_part();
    let finding = Finding::at(Kind::CutOff, next).with_evidence("the export has no last line");
    report.findings.push(finding);
    report
}

/// A line says nothing that can be believed.
fn broken(examiner: Examiner, reason: String) -> Report {
    let next = examiner.next();
    let mut report = examiner.finish_part();
    report
        .findings
        .push(Finding::at(Kind::Altered, next).with_evidence(reason));
    report
}

fn unreadable(reason: &str) -> Report {
    Report {
        sound: false,
        events: 0,
        checkpoints: 0,
        covered: 0,
        not_compared: 0,
        findings: vec![Finding::new(Kind::Altered).with_evidence(reason)],
    }
}

/// The lines of a file.
struct Lines<'a> {
    export: &'a mut dyn BufRead,
    number: u64,
}

impl Lines<'_> {
    fn next(&mut self) -> io::Result<Option<Result<Line, String>>> {
        let mut text = Vec::new();
        io::Read::take(&mut *self.export, LINE_MAX).read_until(b'\n', &mut text)?;
        if text.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if text.pop_if(|last| *last == b'\n').is_none() {
            return Ok(Some(Err("it is cut off".to_owned())));
        }
        Ok(Some(
            serde_json::from_slice(&text).map_err(|_| "it is no line of an export".to_owned()),
        ))
    }
}
