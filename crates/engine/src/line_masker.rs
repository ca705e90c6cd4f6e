//! Masking line by line: a secret may reach across the place where a long line was cut.

use crate::{masking::Masker, workers::RawLine};
use std::collections::VecDeque;

/// A line this long was cut by whoever read it: at 32 KiB (docs/worker-protocol.md), less at most three bytes so that
/// no character is split.
const CUT_BYTES: usize = 32 * 1024 - 3;

/// Lines that wait for their rest at once. Each is of another source, and whoever makes up sources without end must not
/// fill the memory of the host.
const MOST_CUT: usize = 16;
/// The longest name of a source whose lines wait; a name is meant to be short.
const MAX_SOURCE_BYTES: usize = 1024;

/// Masks the lines of one writer, in order. A line that was cut waits for its rest.
#[derive(Debug, Default)]
pub(crate) struct LineMasker {
    /// At most one per source: a line that was cut because it was too long, unmasked, as a secret may go on in the next.
    /// The one that waits longest is first.
    cut: VecDeque<RawLine>,
}

impl LineMasker {
    /// Takes a line and answers what may be shown by now. The name of a logger is author text like any other.
    pub fn take(&mut self, masker: &Masker, mut line: RawLine) -> impl Iterator<Item = RawLine> + use<> {
        let waiting = self.cut.iter().position(|before| before.source == line.source);
        let before = waiting.and_then(|index| self.cut.remove(index)).map(|before| {
            let (message, reaches) = masker.across(&before.message, &line.message);
            line.message.drain(..reaches);
            RawLine { source: masker.text(&before.source), message, ..before }
        });
        let now = if line.message.len() < CUT_BYTES {
            Some(masked(masker, line))
        } else if line.source.len() > MAX_SOURCE_BYTES {
            Some(cut_off(masker, line))
        } else {
            self.cut.push_back(line);
            let is_crowded = self.cut.len() > MOST_CUT;
            is_crowded.then(|| self.cut.pop_front()).flatten().map(|oldest| cut_off(masker, oldest))
        };
        before.into_iter().chain(now)
    }

    /// Cut lines whose rest will not come. What may be the beginning of a secret at their end is masked too.
    pub fn finish(&mut self, masker: &Masker) -> Vec<RawLine> {
        std::mem::take(&mut self.cut).into_iter().map(|line| cut_off(masker, line)).collect()
    }
}

/// A line that is shown without its rest.
fn cut_off(masker: &Masker, line: RawLine) -> RawLine {
    RawLine { message: masker.cut_text(&line.message), ..masked(masker, line) }
}

fn masked(masker: &Masker, line: RawLine) -> RawLine {
    RawLine { source: masker.text(&line.source), message: masker.text(&line.message), ..line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use msp_domain::LogLevel;

    fn line(message: &str) -> RawLine {
        RawLine {
            at: chrono::Utc::now(),
            level: LogLevel::Info,
            source: "of hunter2-hunter2".into(),
            message: message.into(),
            step: None,
        }
    }

    #[test]
    fn a_secret_is_masked_in_the_message_in_the_name_of_the_logger_and_across_a_cut() {
        let masker = Masker::default();
        masker.add("hunter2-hunter2");
        let mut lines = LineMasker::default();
        let shown = |lines: Vec<RawLine>| -> Vec<(String, String)> {
            lines.into_iter().map(|line| (line.source, line.message)).collect()
        };
        let name = || "of ********".to_owned();
        let plain = shown(lines.take(&masker, line("it is hunter2-hunter2")).collect());
        assert_eq!(plain, [(name(), "it is ********".to_owned())]);

        let long = "x".repeat(CUT_BYTES);
        assert_eq!(lines.take(&masker, line(&format!("{long}hunter2"))).count(), 0, "it waits for the rest");
        let both = shown(lines.take(&masker, line("-hunter2 end")).collect());
        assert_eq!(both, [(name(), format!("{long}********")), (name(), " end".to_owned())]);

        assert_eq!(lines.take(&masker, line(&format!("{long}hunter2-hun"))).count(), 0);
        assert_eq!(shown(lines.finish(&masker)), [(name(), format!("{long}********"))]);
    }

    #[test]
    fn sources_without_end_hold_only_a_few_lines_and_every_line_comes_out_once() {
        let masker = Masker::default();
        masker.add("hunter2-hunter2");
        let mut lines = LineMasker::default();
        let long = format!("{}hunter2-h", "x".repeat(CUT_BYTES));
        let mut shown = Vec::new();
        for number in 0..100 {
            let source = if number == 50 { "n".repeat(MAX_SOURCE_BYTES + 1) } else { format!("logger-{number}") };
            shown.extend(lines.take(&masker, RawLine { source, ..line(&long) }));
            assert!(lines.cut.len() <= MOST_CUT);
        }
        shown.extend(lines.finish(&masker));
        assert_eq!(shown.len(), 100);
        assert!(shown.iter().all(|line| line.message.ends_with("********")), "half a secret is shown");
    }
}
