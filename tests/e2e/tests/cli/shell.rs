//! Completions of shells.

use std::process::Stdio;

use miroir_e2e::program;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

async fn completions(shell: &str) -> String {
    let output = program().await.unwrap().args(["completions", shell]).output().await.unwrap();
    assert!(output.status.success(), "{shell}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn bash_reads_its_completions_and_offers_commands() {
    let script = completions("bash").await;
    let mut check = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(script.as_bytes()).await.unwrap();
    assert!(check.wait().await.unwrap().success());

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("miroir.bash");
    std::fs::write(&file, script).unwrap();
    let offered = |words: &str, cword: usize| {
        let ask = format!(
            "source \"$1\"; COMP_WORDS=({words} ''); COMP_CWORD={cword}; _miroir miroir '' ''; echo \"${{COMPREPLY[@]}}\""
        );
        let mut command = Command::new("bash");
        command.arg("-c").arg(ask).arg("bash").arg(&file).output()
    };
    for (words, cword, expected) in
        [("miroir", 1, ["task", "completions"]), ("miroir canary", 2, ["capture", "status"])]
    {
        let output = offered(words, cword).await.unwrap();
        let offered = String::from_utf8(output.stdout).unwrap();
        let offered: Vec<&str> = offered.split_whitespace().collect();
        assert!(expected.iter().all(|word| offered.contains(word)), "{words}: {offered:?}");
    }
}

#[tokio::test]
async fn other_shells_have_completions_too() {
    for shell in ["zsh", "fish", "powershell", "elvish"] {
        let script = completions(shell).await;
        assert!(script.contains("rewind") && script.contains("admin-key-file"), "{shell}");
    }
    let output = program().await.unwrap().args(["completions", "tcsh"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
}
