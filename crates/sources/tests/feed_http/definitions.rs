//! What a definition file may say, and how it is told what is wrong with it.

use proptest::prelude::*;
use tocsin_domain::observation::Subject;
use tocsin_sources::feed::{Definition, Feed, FeedSettings};

use super::exchanges::ALL;
use super::setup::text_of;

/// A definition that is right.
const RIGHT: &str = r#"
provider      = "example"
documentation = "https://docs.example.com/"

[subject]
pattern = "price:{base}-{quote}"
example = "price:ETH-USD"

[request]
url = "https://api.example.com/{base}/{quote}"

[observed_at]
rule = "answer"

[values.price]
path  = "$.price"
least = "0"
most  = "100"

[poll]
every = "1min"
"#;

fn refusal(from: &str, to: &str) -> String {
    let text = RIGHT.replacen(from, to, 1);
    assert_ne!(text, RIGHT, "{from} is not in it");
    match Definition::parse(&text, "example.toml") {
        Ok(_) => panic!("taken: {to}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_complaint_names_file_line_key_and_remedy() {
    Definition::parse(RIGHT, "example.toml").unwrap();
    for (from, to, says) in [
        (
            "provider  ",
            "provder  ",
            "example.toml:2: provder: there is no such key (did you mean `provider`?)",
        ),
        (
            "pattern =",
            "patern =",
            "example.toml:6: subject.patern: there is no such key (did you mean `pattern`?)",
        ),
        (
            "\"example\"",
            "\"Example Inc.\"",
            "example.toml:2: provider: is not a name: write lower-case letters",
        ),
        (
            "https://docs.example.com/",
            "see the wiki",
            "example.toml:3: documentation: is not an address",
        ),
        (
            "https://api",
            "http://api",
            "example.toml:10: request.url: is without TLS: write https://",
        ),
        (
            "https://api",
            "ftp://api",
            "request.url: is of the kind `ftp`",
        ),
        (
            "https://api.example.com/{base}",
            "https://{base}.example.com",
            "fields belong behind it",
        ),
        (
            "https://api.example.com/",
            "https://user:pw@api.example.com/",
            "something other than a host",
        ),
        (
            "/{quote}\"",
            "/{quota}\"",
            "the subject has no field `quota` (did you mean `quote`?)",
        ),
        (
            "rule = \"answer\"",
            "rule = \"anser\"",
            "example.toml:13: observed_at.rule: `anser` has no meaning (did you mean `answer`?)",
        ),
        (
            "rule = \"answer\"",
            "path = \"$.time\"\nform = \"rfc3339\"",
            "observed_at.lateness: is missing: say how long",
        ),
        (
            "rule = \"answer\"",
            "path = \"$.time\"\nform = \"local\"\nlateness = \"1min\"",
            "observed_at.zone: is missing: times of this form are local",
        ),
        (
            "rule = \"answer\"",
            "path = \"$.time\"\nform = \"local\"\nzone = \"Europe/Lisabon\"\nlateness = \"1min\"",
            "there is no time zone `Europe/Lisabon`",
        ),
        (
            "\"$.price\"",
            "\"price\"",
            "example.toml:16: values.price.path: `price` is not a JSONPath",
        ),
        (
            "least = \"0\"",
            "",
            "values.price.least: is missing, or `most` is: say between which values a measurement can be",
        ),
        (
            "\"100\"",
            "\"-100\"",
            "values.price.least: is more than `most`",
        ),
        (
            "least = \"0\"",
            "least = 0.5",
            "values.price.least: is not an exact number: write it in quotes",
        ),
        (
            "least = \"0\"",
            "unit = \"kmh\"\nto = \"kt\"\nleast = \"0\"",
            "values.price.unit: there is no unit `kmh`",
        ),
        (
            "least = \"0\"",
            "unit = \"km/h\"\nto = \"kg\"\nleast = \"0\"",
            "`km/h` is a unit of speed, `kg` of mass",
        ),
        (
            "least = \"0\"",
            "type = \"text\"\nleast = \"0\"",
            "values.price.least: is for numbers, and this is a text",
        ),
        (
            "every = \"1min\"",
            "every = \"0s\"",
            "example.toml:21: poll.every: is missing or no time at all",
        ),
        (
            "every = \"1min\"",
            "every = \"1 minute\"",
            "poll.every: `1 minute` is not a duration",
        ),
        (
            "[poll]",
            "[limits]\nper_day = 0\n[poll]",
            "limits.per_day: is not a whole number of at least 1",
        ),
        (
            "[poll]",
            "[pages]\nmost = 5\n[poll]",
            "pages: says no one way to the next page",
        ),
        (
            "[poll]",
            "[records]\nidentity = \"$.id\"\n[poll]",
            "observed_at: is missing: reports have a time of their own",
        ),
        (
            "[poll]",
            "[records]\nwhere = [{ path = \"$.a\", is = \"{bse}\" }]\n[poll]",
            "records.where[0].is: the subject has no field `bse` (did you mean `base`?)",
        ),
        (
            "[values.price]",
            "[values.state]\ntype = \"text\"\npath = \"$.s\"\n[values.price]",
            "values.state.words: is missing: name every word",
        ),
        (
            "[values.price]",
            "[values.up]\ntype = \"bool\"\npath = \"$.s\"\nwords = { online = \"yes\" }\n[values.price]",
            "`online` means `yes`, which is neither",
        ),
        ("[poll]", "[poll", "example.toml:20: TOML: "),
    ] {
        let error = refusal(from, to);
        assert!(error.contains(says), "{to:?}: {error}");
        assert!(error.starts_with("example.toml"), "{error}");
    }
}

#[test]
fn a_reading_changes_with_what_decides_how_answers_are_read_and_with_nothing_else() {
    let reading = |text: &str| {
        let definition = Definition::parse(text, "example.toml").unwrap();
        Feed::new(definition, FeedSettings::default())
            .unwrap()
            .reading()
    };
    let right = reading(RIGHT);
    for (from, to) in [
        ("1min", "2min"),
        ("https://docs.example.com/", "https://example.com/docs"),
        ("[subject]", "[subject] # comment"),
    ] {
        assert_eq!(reading(&RIGHT.replacen(from, to, 1)), right, "{to}");
    }
    let reordered = RIGHT.replacen(
        "least = \"0\"\nmost  = \"100\"",
        "most  = \"100\"\nleast = \"0\"",
        1,
    );
    assert_ne!(reordered, RIGHT);
    assert_eq!(reading(&reordered), right);
    for (from, to) in [
        ("\"100\"", "\"1000\""),
        ("$.price", "$.last"),
        ("api.example", "api2.example"),
        ("rule = \"answer\"", "rule = \"answer\"\nrepeat = \"1h\""),
    ] {
        assert_ne!(reading(&RIGHT.replacen(from, to, 1)), right, "{to}");
    }
}

#[test]
fn a_subject_that_cannot_be_asked_about_is_refused() {
    let feed = |name: &str| {
        Feed::new(
            Definition::parse(&text_of(name), name).unwrap(),
            FeedSettings::default(),
        )
        .unwrap()
    };
    for (name, subject, says) in [
        (
            "coinbase",
            "price:USDC",
            "feed:coinbase cannot ask about price:USDC: a subject of this feed is price:{base}-{quote}, for example price:USDC-USD",
        ),
        (
            "kraken",
            "price:USDCC-USD",
            "`USDCC` is not among the words of `asset` (did you mean `USDC`?)",
        ),
        (
            "usgs",
            "quakes:91/0/50",
            "its latitude, 91, is not between -90 and 90",
        ),
        (
            "usgs",
            "quakes:0/0/50km",
            "its radius_km, `50km`, is not a decimal number",
        ),
    ] {
        let error = feed(name)
            .first_look(&Subject::from(subject))
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_a_definition_panic(text in ".{0,400}") {
        let _outcome = Definition::parse(&text, "any.toml");
    }

    #[test]
    fn no_damage_to_a_file_makes_it_panic(which in 0..ALL.len(), at in any::<prop::sample::Index>(), with in "[\\[\\]{}\"=$.*@?0-9a-z\n]{0,6}", cut in 0usize..12) {
        let text = text_of(ALL[which].file);
        let mut characters: Vec<char> = text.chars().collect();
        let start = at.index(characters.len());
        let end = (start + cut).min(characters.len());
        characters.splice(start..end, with.chars());
        let damaged: String = characters.into_iter().collect();
        if let Err(error) = Definition::parse(&damaged, "any.toml") {
            prop_assert!(error.to_string().starts_with("any.toml"));
        }
    }
}
