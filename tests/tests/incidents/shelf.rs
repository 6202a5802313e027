//! The templates as a whole: each is clean terms, and its sources are what its inputs ask for.

use std::fs;

use tocsin::config::Config;
use tocsin_domain::cover::Cover;
use tocsin_tests::anvil::repository;

use super::scene::{Template, service};

/// Every cover of config/incidents.
fn names() -> Vec<String> {
    let folder = repository().join("config/incidents");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".sources.toml"))
        .map(|name| name.strip_suffix(".toml").unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_template_is_taken_without_a_warning_and_its_sources_load() {
    let names = names();
    assert_eq!(names.len(), 12);
    for name in names {
        let template = Template::read(&name);
        let (cover, warnings) = Cover::parse(&template.cover).unwrap();
        assert!(warnings.is_empty(), "{name}: {warnings:#?}");
        assert_eq!(cover.name, name, "a template is named after its cover");

        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("tocsin.toml");
        let service = service("eip155:1", "http://127.0.0.1:8545", &template.sources);
        fs::write(folder.path().join("cover.toml"), &template.cover).unwrap();
        fs::write(&config, service).unwrap();
        // That each input has its source, of its subject, metric and type, is checked by loading.
        let config = Config::load(&config).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(config.impatient_inputs().is_empty(), "{name}");
        let sections = template.sources.matches("\n[sources.").count();
        assert_eq!(
            sections,
            cover.inputs.len(),
            "{name}: sources that no input asks for"
        );
    }
}

#[test]
fn every_template_has_its_section_in_the_guide() {
    let guide = repository().join("docs/incidents/README.md");
    let guide = fs::read_to_string(guide).unwrap();
    for name in names() {
        let heading = format!("\n## {name}\n");
        assert!(
            guide.contains(&heading),
            "docs/incidents/README.md has no section `{name}`"
        );
        let link = format!("(../../config/incidents/{name}.toml)");
        assert!(
            guide.contains(&link),
            "docs/incidents/README.md does not link to {name}"
        );
    }
}
