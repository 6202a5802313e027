//! Runs the parts one after the other, says what came out, and which targets were missed.

/// How much is measured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Policies in the database.
    pub policies: u32,
    /// How long a round of reads takes.
    pub round_ms: u64,
    /// Events that each endpoint is told.
    pub events: u64,
    /// Minutes of everything at once.
    pub soak_minutes: u64,
    /// Which parts; none means every one.
    pub only: Vec<String>,
}

impl Options {
    /// Reads the options of the command.
    pub fn read(words: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            policies: 10_000,
            round_ms: 2_000,
            events: 3_000,
            soak_minutes: 1,
            only: Vec::new(),
        };
        let number = |text: &str| -> Result<u64, String> {
            let digits = text.replace('_', "");
            digits.parse().map_err(|error| format!("`{text}`: {error}"))
        };
        for pair in words.chunks(2) {
            match pair {
                ["--policies", count] => {
                    let count = u32::try_from(number(count)?);
                    options.policies = count.map_err(|error| error.to_string())?;
                }
                ["--round", milliseconds] => options.round_ms = number(milliseconds)?,
                ["--events", count] => options.events = number(count)?,
                ["--soak", minutes] => options.soak_minutes = number(minutes)?.max(1),
                ["--only", parts] => options.only = parts.split(',').map(str::to_owned).collect(),
                other => return Err(format!("`{}` is no option", other.join(" "))),
            }
        }
        Ok(options)
    }

    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }
}

/// The targets that were missed.
#[derive(Debug, Default)]
pub struct Findings(Vec<String>);

impl Findings {
    /// Notes a figure that is too small.
    pub fn at_least(&mut self, what: &str, figure: u128, target: u128) {
        if figure < target {
            self.0.push(format!("{what}: {figure}, at least {target}"));
        }
    }

    /// Notes a figure that is too large.
    pub fn at_most(&mut self, what: &str, figure: u128, target: u128) {
        if figure > target {
            self.0.push(format!("{what}: {figure}, at most {target}"));
        }
    }
}

/// The median.
pub fn middle<T: Copy + Ord>(figures: &mut [T]) -> T {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

/// Measures, and says what came out as it comes; an error names the targets that were missed.
pub async fn run(options: &Options, say: impl Fn(&str)) -> Result<(), String> {
    let mut found = Findings::default();
    if options.wants("reads") {
        say(&super::reads::measure(options, &mut found).await);
    }
    if options.wants("writes") {
        say(&super::writes::measure(options, &mut found).await);
    }
    if options.wants("webhooks") {
        say(&super::hooks::measure(options, &mut found).await);
    }
    if options.wants("soak") {
        say(&super::soak::measure(options, &mut found).await);
    }
    if found.0.is_empty() {
        return Ok(());
    }
    Err(format!("missed:\n  {}", found.0.join("\n  ")))
}
