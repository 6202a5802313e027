//! Which program logged what: any program can write the bytes of another one's event, so a line counts for the program
//! that was running, not for those that the transaction names.
//!
//! The runtime writes `Program ADDRESS invoke [DEPTH]` before and `Program ADDRESS success` or `… failed: …` after each
//! invocation. What programs write themselves always begins with `Program log: ` or `Program data: `, so none of them can
//! forge these lines.

/// The running programs, the outermost first.
#[derive(Default)]
pub(crate) struct Invocations<'a> {
    running: Vec<&'a str>,
}

/// What a log line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line<'a> {
    /// Bytes that a program logged, in base64, several pieces separated by blanks.
    Data {
        /// The program, in base58.
        program: &'a str,
        /// The bytes.
        pieces: &'a str,
    },
    /// Nothing that is of interest here.
    Other,
    /// From here on, who says what is not known.
    Lost(&'static str),
}

impl<'a> Invocations<'a> {
    /// Takes the next line.
    pub(crate) fn read(&mut self, line: &'a str) -> Line<'a> {
        if line == "Log truncated" {
            return Line::Lost("the transaction logged more than the node keeps");
        }
        let Some(rest) = line.strip_prefix("Program ") else {
            return Line::Other;
        };
        if let Some(pieces) = rest.strip_prefix("data: ") {
            return match self.running.last() {
                Some(program) => Line::Data { program, pieces },
                None => Line::Lost("the transaction logged data outside of any program"),
            };
        }
        let Some((program, what)) = rest.split_once(' ') else {
            return Line::Other;
        };
        // `log:`, `return:` and `consumption:` name no program.
        if program.ends_with(':') {
            return Line::Other;
        }
        if let Some(depth) = what.strip_prefix("invoke [") {
            self.running.push(program);
            return match depth.strip_suffix(']').map(str::parse::<usize>) {
                Some(Ok(depth)) if depth == self.running.len() => Line::Other,
                _ => Line::Lost("the transaction's log has an invocation out of place"),
            };
        }
        if what == "success" || what.starts_with("failed") {
            return match self.running.pop() {
                Some(last) if last == program => Line::Other,
                _ => Line::Lost("the transaction's log ends an invocation that was not the last"),
            };
        }
        Line::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(lines: &[&'static str]) -> Vec<(&'static str, &'static str)> {
        let mut invocations = Invocations::default();
        lines
            .iter()
            .filter_map(|line| match invocations.read(line) {
                Line::Data { program, pieces } => Some((program, pieces)),
                Line::Other => None,
                Line::Lost(reason) => Some(("lost", reason)),
            })
            .collect()
    }

    #[test]
    fn data_belongs_to_the_program_that_runs() {
        let lines = [
            "Program A invoke [1]",
            "Program data: AA==",
            "Program B invoke [2]",
            "Program data: BB==",
            "Program B consumed 5 of 10 compute units",
            "Program B success",
            "Program data: CC==",
            "Program A success",
        ];
        assert_eq!(data(&lines), [("A", "AA=="), ("B", "BB=="), ("A", "CC==")]);
    }

    #[test]
    fn a_program_cannot_pretend_that_another_runs() {
        let lines = [
            "Program A invoke [1]",
            "Program log: Program B invoke [2]",
            "Program return: A AA==",
            "Program data: BB==",
            "Program A success",
        ];
        assert_eq!(data(&lines), [("A", "BB==")]);
    }

    #[test]
    fn a_log_that_does_not_add_up_is_lost() {
        for lines in [
            ["Program A invoke [2]", "Program A success"],
            ["Program A invoke [1]", "Program B success"],
            ["Program data: AA==", "Program A invoke [1]"],
            ["Program A invoke [1]", "Log truncated"],
        ] {
            assert_eq!(data(&lines)[0].0, "lost", "{lines:?}");
        }
    }
}
