//! Figures with their limits, and the file that they are written to.

use std::{fmt::Write as _, fs, path::PathBuf, process::Command};

use doorbook::clock::Clock;

/// What a figure must keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
    /// Told, not judged.
    None,
}

/// Something measured.
pub(crate) struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    limit: Limit,
}

/// One measurement: its figures and how they were taken.
pub(crate) struct Measured {
    pub(crate) method: String,
    pub(crate) figures: Vec<Figure>,
}

impl Measured {
    pub(crate) fn by(method: &str) -> Self {
        Self {
            method: method.to_owned(),
            figures: Vec::new(),
        }
    }

    /// Takes a figure down and shows it.
    pub(crate) fn put(&mut self, what: impl Into<String>, value: f64, unit: &'static str, limit: Limit) {
        let figure = Figure {
            what: what.into(),
            value,
            unit,
            limit,
        };
        println!(
            "  {:<66} {:>14} {:<12} {:<10} {}",
            figure.what,
            show(value),
            unit,
            figure.limit(),
            figure.verdict()
        );
        self.figures.push(figure);
    }

    pub(crate) fn holds(&self) -> bool {
        self.figures.iter().all(|figure| figure.holds() != Some(false))
    }

    /// As a part of the file.
    pub(crate) fn section(&self, name: &str) -> String {
        let mut text = format!("## {name}\n\n{}\n\n", self.method);
        let _ = writeln!(
            text,
            "{} · commit {} · `cargo xtask bench -- {name}`\n",
            now(),
            commit()
        );
        text.push_str("| figure | measured | limit | |\n|---|---:|---:|---|\n");
        for figure in &self.figures {
            let _ = writeln!(
                text,
                "| {} | {} {} | {} | {} |",
                figure.what,
                show(figure.value),
                figure.unit,
                figure.limit(),
                figure.verdict()
            );
        }
        text
    }
}

impl Figure {
    fn holds(&self) -> Option<bool> {
        match self.limit {
            Limit::AtLeast(least) => Some(self.value >= least),
            Limit::AtMost(most) => Some(self.value <= most),
            Limit::None => None,
        }
    }

    fn verdict(&self) -> &'static str {
        match self.holds() {
            Some(true) => "holds",
            Some(false) => "**MISSED**",
            None => "",
        }
    }

    fn limit(&self) -> String {
        match self.limit {
            Limit::AtLeast(least) => format!("≥ {}", show(least)),
            Limit::AtMost(most) => format!("≤ {}", show(most)),
            Limit::None => String::new(),
        }
    }
}

/// Whole numbers with separators where they are large, three digits where they are small.
fn show(value: f64) -> String {
    if value.fract() == 0.0 || value >= 1000.0 {
        let digits = format!("{value:.0}");
        let groups: Vec<_> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(String::from_utf8_lossy)
            .collect();
        return groups.join(",");
    }
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

/// Writes sections into the file; those of other measurements stay as they were.
pub(crate) fn write(order: &[&str], taken: &[(&str, Measured)]) {
    let old = fs::read_to_string(file()).unwrap_or_default();
    let kept = |name: &str| {
        let begin = old.find(&format!("## {name}\n"))?;
        let rest = &old[begin..];
        let end = rest[3..].find("\n## ").map_or(rest.len(), |at| at + 4);
        Some(rest[..end].to_owned())
    };
    let mut text = format!(
        "# Figures\n\n`cargo xtask bench` measures them and writes this file; with names behind `--` only those. Ratios are\n\
         taken within one run.\n\n{}\n",
        machine()
    );
    for name in order {
        let section = taken
            .iter()
            .find(|(taken, _)| taken == name)
            .map(|(_, measured)| measured.section(name))
            .or_else(|| kept(name));
        if let Some(section) = section {
            let _ = write!(text, "\n{}\n", section.trim_end());
        }
    }
    fs::write(file(), text).expect("benches/RESULTS.md cannot be written");
}

fn file() -> PathBuf {
    root().join("benches/RESULTS.md")
}

/// The directory of the workspace.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = field(&read("/proc/cpuinfo"), "model name").unwrap_or_default();
    let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
    let memory: u64 = memory.split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or(0);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "Machine of the newest section (others may come from another): {processor}, {cores} cores, {} GiB, Linux {}, {}.",
        memory >> 20,
        kernel.trim(),
        said("rustc", &["--version"])
    )
}

fn now() -> String {
    let now = Clock::system().now().to_string();
    now.get(..16).unwrap_or(&now).replace('T', " ") + " UTC"
}

fn commit() -> String {
    let changed = !said(
        "git",
        &[
            "status",
            "--porcelain",
            "--untracked-files=no",
            "--",
            ":!benches/RESULTS.md",
        ],
    )
    .is_empty();
    let commit = said("git", &["rev-parse", "--short", "HEAD"]);
    if changed {
        format!("{commit} with changes")
    } else {
        commit
    }
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
