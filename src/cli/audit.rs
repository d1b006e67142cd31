//! `doorbook audit …` and `doorbook events export`.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use doorbook_projections::fault::Fault;

use super::{
    args::{AuditCommand, Export, Verify},
    backup::Locks,
    book,
    exit::Failure,
    output::Output,
};
use crate::{
    config::Config,
    open::{self, Durable, StartError},
    proof::{
        audit::{Finding, Kind, Live, Report, audit, audit_export},
        export::{self, Broken, Wanted},
        note::{NOTE_MAX, NoteKey},
        shelf::{FoundNote, Shelf, notes_at},
        tree::Tree,
    },
    store::Store,
};

/// Carries one out. The service may be running, except for `rebuild`.
pub(crate) async fn run(command: &AuditCommand, config: &Config, output: &Output) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify(wanted) => verify(wanted, config, output).await,
        AuditCommand::Export(export) => book::export(export, config, output).await,
        AuditCommand::Key => key(config, output).await,
        AuditCommand::Checkpoint => checkpoint(config, output).await,
        AuditCommand::Rebuild => rebuild(config, output).await,
    }
}

/// `doorbook audit verify`, and `doorbook events verify`. An export is compared without a log.
pub(crate) async fn verify(verify: &Verify, config: &Config, output: &Output) -> Result<(), Failure> {
    if let Some(file) = &verify.export {
        return verify_export(file, verify, output).await;
    }
    open::log_is_there(config).await?;
    verify_store(verify, config, output).await
}

async fn verify_store(verify: &Verify, config: &Config, output: &Output) -> Result<(), Failure> {
    let notes = held_elsewhere(verify).await?;
    // A log that was cut off does not fit its keys any more: that is for this command to say.
    let (store, key) = match &verify.key {
        Some(key) => (open::store(config).await?, key.clone()),
        None => own_key(config).await?,
    };
    let tree = tree(config).await?;
    let report = compare(&store, &tree, config, notes, &key, output).await;
    tree.close().await;
    store.close().await;
    show(&report?, true, output)
}

async fn compare(
    store: &Store,
    tree: &Tree,
    config: &Config,
    mut notes: Vec<FoundNote>,
    key: &NoteKey,
    output: &Output,
) -> Result<Report, Fault> {
    notes.extend(Shelf::new(&config.data.dir.join("checkpoints")).all().await?);
    let mut before = u64::MAX;
    loop {
        let page = tree.checkpoints(before, 500).await?;
        let Some(last) = page.last() else { break };
        before = last.id;
        notes.extend(page.into_iter().map(|signed| FoundNote {
            place: format!("checkpoint {} of the database", signed.id),
            note: signed.note,
        }));
    }
    let live = Live {
        log: &*store.log(),
        tree,
        notes,
        key,
        outside: store.outside().await?,
    };
    let progress = output.progress("comparing", 0);
    let report = audit(live, &|done, total| progress.of(done, total)).await;
    progress.finish();
    report
}

async fn verify_export(file: &Path, verify: &Verify, output: &Output) -> Result<(), Failure> {
    let notes = held_elsewhere(verify).await?;
    if notes.is_empty() {
        return Err(Failure::Usage(
            "an export alone proves nothing: name a checkpoint by --checkpoint or --against".to_owned(),
        ));
    }
    let Some(key) = verify.key.clone() else {
        return Err(Failure::Usage(
            "--key: name the key that must have signed the checkpoints".to_owned(),
        ));
    };
    let unreadable = |source: io::Error| Failure::Usage(format!("--export: {}: {source}", file.display()));
    let mut export: Box<dyn BufRead + Send> = if file == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::with_capacity(1 << 20, File::open(file).map_err(unreadable)?))
    };
    let progress = output.progress("comparing", 0);
    let work = move || {
        let report = audit_export(&mut export, notes, &key, &|done| progress.of(done, done));
        progress.finish();
        report
    };
    let report = tokio::task::spawn_blocking(work).await;
    let report = report.map_err(Fault::because("the comparison crashed"))?;
    show(&report.map_err(unreadable)?, false, output)
}

/// The checkpoints that were named.
async fn held_elsewhere(verify: &Verify) -> Result<Vec<FoundNote>, Failure> {
    let mut notes = Vec::new();
    for path in verify.checkpoints.iter().chain(&verify.against) {
        if path == Path::new("-") {
            let mut note = String::new();
            let most = u64::try_from(NOTE_MAX).unwrap_or(u64::MAX);
            io::stdin().take(most).read_to_string(&mut note)?;
            let place = "standard input".to_owned();
            notes.push(FoundNote { place, note });
            continue;
        }
        let found = notes_at(path).await.map_err(|fault| {
            let cause = std::error::Error::source(&fault).map_or_else(String::new, |cause| format!(": {cause}"));
            Failure::Usage(format!("{} cannot be read{cause}", path.display()))
        })?;
        if found.is_empty() {
            return Err(Failure::Usage(format!("{} holds no checkpoint", path.display())));
        }
        notes.extend(found);
    }
    Ok(notes)
}

async fn own_key(config: &Config) -> Result<(Store, NoteKey), Failure> {
    let Durable { store, keyring } = Durable::open_as_they_are(config).await?;
    let notary = open::notary(config, &store, &keyring).await?;
    let key = notary.key();
    notary.tree().close().await;
    keyring.close().await;
    Ok((store, key))
}

async fn tree(config: &Config) -> Result<Tree, StartError> {
    open::make_private(&config.proof_database())?;
    Ok(Tree::open(&config.proof_database()).await?)
}

/// A report for people; of a log that grows, or of an export.
pub(super) fn told(report: &Report, grows: bool) -> String {
    let mut lines = vec![
        format!(
            "{} events were compared with {} checkpoints.",
            report.events, report.checkpoints
        ),
        format!("Checkpoints vouch for events up to {}.", report.covered),
    ];
    if report.covered < report.events {
        let first = report.covered + 1;
        let next = if grows {
            " yet: a service that runs signs the next one within `audit.checkpoint_every`"
        } else {
            ""
        };
        lines.push(format!(
            "Events {first} to {} are covered by no checkpoint{next}.",
            report.events
        ));
    }
    if report.not_compared > 0 {
        lines.push(format!(
            "{} checkpoints are of sizes that the export does not reach.",
            report.not_compared
        ));
    }
    lines.extend(report.findings.iter().map(|finding| format!("- {finding}")));
    lines.join("\n")
}

fn show(report: &Report, grows: bool, output: &Output) -> Result<(), Failure> {
    output.value(report, || told(report, grows))?;
    let first = report.findings.iter().min_by_key(|finding| rank(finding));
    let Some(first) = first else {
        if report.checkpoints == 0 {
            return Err(Failure::Refused(
                "no checkpoint could be compared: nothing is proven about these events".to_owned(),
            ));
        }
        return Ok(());
    };
    Err(Failure::Difference(format!("the log is not as it was signed: {first}")))
}

/// The log before what is about it, and earlier events before later ones.
fn rank(finding: &Finding) -> (bool, u64) {
    let place = finding.position.or(finding.after).unwrap_or(u64::MAX);
    let about_the_log = !matches!(
        finding.kind,
        Kind::LeavesAltered | Kind::NodesAltered | Kind::CheckpointInvalid | Kind::OtherLog
    );
    (!about_the_log, place)
}

async fn key(config: &Config, output: &Output) -> Result<(), Failure> {
    let (store, key) = own_key(config).await?;
    store.close().await;
    let public_key = BASE64_STANDARD.encode(key.bytes());
    let value = serde_json::json!({"key": key.to_string(), "public_key": public_key});
    output.value(&value, || key.to_string())?;
    Ok(())
}

async fn checkpoint(config: &Config, output: &Output) -> Result<(), Failure> {
    let tree = tree(config).await?;
    let last = tree.last_checkpoint().await;
    tree.close().await;
    let Some(last) = last? else {
        return Err(Failure::Refused(
            "nothing was signed yet: start the service once".to_owned(),
        ));
    };
    if output.is_json() {
        output.line(&serde_json::json!({"note": last.note}).to_string())?;
    } else {
        output.text(&last.note)?;
    }
    Ok(())
}

async fn rebuild(config: &Config, output: &Output) -> Result<(), Failure> {
    let _locks = Locks::take(config).await?;
    let Durable { store, keyring } = Durable::open(config).await?;
    let notary = open::notary(config, &store, &keyring).await?;
    notary.forget_tree().await?;
    let progress = output.progress("rebuilding", 0);
    let done = notary.catch_up(&|done, total| progress.of(done, total)).await;
    progress.finish();
    let size = notary.figures().size;
    notary.tree().close().await;
    keyring.close().await;
    store.close().await;
    done?;
    output.value(&serde_json::json!({"events": size}), || {
        format!("The tree holds {size} events, and fits every checkpoint.")
    })?;
    Ok(())
}

/// `doorbook events export`
pub(crate) async fn export(command: &Export, config: &Config, output: &Output) -> Result<(), Failure> {
    let wanted = Wanted {
        form: command.format,
        from: command.from,
        to: command.to.unwrap_or(u64::MAX),
    };
    if wanted.to < wanted.from {
        return Err(Failure::Usage(
            "--to: write a position that is not before --from".to_owned(),
        ));
    }
    let store = open::store(config).await?;
    let tree = tree(config).await?;
    let progress = output.progress("exporting", 0);
    let mut lines = output.lines();
    let report = |done, total| progress.of(done, total);
    let written = export::write(&*store.log(), &tree, wanted, &mut |line| lines.line(line), &report).await;
    let flushed = lines.flush();
    progress.finish();
    tree.close().await;
    store.close().await;
    match written {
        Ok(events) => {
            flushed?;
            output.note(&format!("{events} events were written."));
            Ok(())
        }
        Err(Broken::Fault(fault)) => Err(Failure::Fault(fault)),
        Err(Broken::Output(error)) => Err(Failure::Output(error)),
    }
}
