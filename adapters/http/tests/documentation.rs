//! The page that explains the error codes of Miroir.

use miroir_domain::error::ErrorCode;

const PAGE: &str = include_str!("../../../docs/errors.md");

#[test]
fn every_code_of_miroir_has_a_section_with_status_cause_and_remedy() {
    for &code in ErrorCode::ALL.iter().filter(|code| code.as_str().starts_with("miroir_")) {
        let heading = format!("\n## {}\n", code.as_str());
        assert_eq!(code.link(), format!("docs/errors.md#{}", code.as_str()));
        let start =
            PAGE.find(&heading).unwrap_or_else(|| panic!("docs/errors.md has no `{}`", heading.trim()));
        let section = &PAGE[start + heading.len()..];
        let section = section.split("\n## ").next().unwrap();
        for part in ["**Status:**", "**When:**", "**What to do:**"] {
            assert!(section.contains(part), "{}: no {part}", code.as_str());
        }
    }
}

#[test]
fn every_section_of_the_page_is_about_a_current_code() {
    for heading in PAGE.lines().filter_map(|line| line.strip_prefix("## miroir_")) {
        let code = format!("miroir_{heading}");
        assert!(ErrorCode::ALL.iter().any(|known| known.as_str() == code), "{code}");
    }
}
