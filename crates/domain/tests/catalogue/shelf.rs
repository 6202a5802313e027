//! The catalogue as a whole: every cover is clean, and has a page that leads to it.

use std::fs;
use std::path::PathBuf;

use super::harness::cover;

/// The names of the files of one kind in a folder of the project, sorted.
fn names(folder: &str, extension: &str) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(folder);
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "README")
        .collect();
    names.sort();
    names
}

#[test]
fn every_cover_is_taken_without_a_warning() {
    for name in names("config/covers", "toml") {
        let _clean = cover(&name);
    }
}

#[test]
fn every_cover_has_a_page_and_every_page_a_cover() {
    let covers = names("config/covers", "toml");
    assert_eq!(covers, names("docs/covers", "md"));
    for name in covers {
        let path = format!("{}/../../docs/covers/{name}.md", env!("CARGO_MANIFEST_DIR"));
        let page = fs::read_to_string(path).unwrap();
        assert!(page.starts_with(&format!("# {name}\n")), "{name}");
        assert!(
            page.contains(&format!("(../../config/covers/{name}.toml)")),
            "{name}"
        );
    }
}
