//! What `/metrics` says: names, labels and whole numbers.

/// Everything that it said.
pub(super) struct Figures(Vec<Figure>);

struct Figure {
    name: String,
    /// As they are written, without braces.
    labels: String,
    value: i64,
}

impl Figures {
    /// Reads the OpenMetrics text format as far as it is needed: what is no whole number is left out.
    pub(super) fn of(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(Figure::of).collect())
    }

    /// The sum over all labels that contain `label`; `None` where there is none.
    pub(super) fn sum(&self, name: &str, label: &str) -> Option<i64> {
        let found = self
            .0
            .iter()
            .filter(|figure| figure.name == name && figure.labels.contains(label));
        found.map(|figure| figure.value).reduce(i64::saturating_add)
    }

    /// What there is by this name, each with its labels.
    pub(super) fn each(&self, name: &str) -> impl Iterator<Item = (&str, i64)> {
        self.0
            .iter()
            .filter(move |figure| figure.name == name)
            .map(|figure| (figure.labels.as_str(), figure.value))
    }
}

impl Figure {
    fn of(line: &str) -> Option<Self> {
        let (named, value) = line.rsplit_once(' ')?;
        let (name, labels) = match named.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}')?),
            None => (named, ""),
        };
        Some(Self {
            name: name.to_owned(),
            labels: labels.to_owned(),
            value: value.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_choose_and_what_is_not_there_is_not_zero() {
        let figures = Figures::of(
            "# HELP tocsin_keys Keys.\ntocsin_keys{state=\"active\"} 2\ntocsin_keys{state=\"retired\"} 5\ntocsin_half 0.5\n# EOF\n",
        );
        assert_eq!(figures.sum("tocsin_keys", ""), Some(7));
        assert_eq!(figures.sum("tocsin_keys", "state=\"active\""), Some(2));
        assert_eq!(figures.sum("tocsin_keys", "state=\"revoked\""), None);
        assert_eq!(figures.sum("tocsin_half", ""), None);
    }
}
