//! The container image, built and run.
//!
//! If its base images are available, the whole Dockerfile is built. Otherwise only the last stage is built,
//! on a base with the libraries of this machine and with the program that cargo builds.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use miroir_test_chart::repository;
use serde_json::{Value, json};

/// Pause between two checks of a container, and their number.
const PAUSE: Duration = Duration::from_millis(500);
const CHECKS: usize = 240;

/// An image, removed on drop.
struct Image {
    tag: String,
    /// Base images that are removed too.
    bases: Vec<String>,
}

/// A running container, removed on drop.
struct Running(String);

fn docker<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Output {
    let mut command = Command::new("docker");
    // Every engine has the classic builder; its successor is an optional plugin.
    command.args(arguments).env("DOCKER_BUILDKIT", "0").stdin(Stdio::null());
    command
        .output()
        .unwrap_or_else(|error| panic!("cannot run docker ({error}): these tests need it and an engine"))
}

/// Runs docker and returns its output without the final newline.
fn output_of<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> String {
    let arguments: Vec<I> = arguments.into_iter().collect();
    let shown: Vec<String> =
        arguments.iter().map(|word| word.as_ref().to_string_lossy().into_owned()).collect();
    let output = docker(&arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "docker {}: {error}", shown.join(" "));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Runs docker with `input`. Panics with its output if it fails.
fn fed(arguments: &[&str], input: &[u8]) {
    let mut command = Command::new("docker");
    command.args(arguments).env("DOCKER_BUILDKIT", "0");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Docker may exit before it has read everything; its output is checked below.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "docker {}: {text}", arguments.join(" "));
}

impl Image {
    fn build(name: &str) -> Self {
        let engine = docker(["version", "--format", "{{.Server.Version}}"]);
        assert!(
            engine.status.success(),
            "no Docker engine responds: start one, or set DOCKER_HOST. {}",
            String::from_utf8_lossy(&engine.stderr)
        );
        let id = format!("{name}-{}", std::process::id());
        let dockerfile = std::fs::read_to_string(repository("Dockerfile")).unwrap();
        let tag = format!("miroir-test-image:{id}");
        let bases = ["BUILDER", "RUNTIME"].map(|argument| default_of(&dockerfile, argument));
        if bases.iter().all(|base| is_available(base)) {
            let context = repository(".");
            output_of([OsStr::new("build"), OsStr::new("--tag"), OsStr::new(&tag), context.as_os_str()]);
            return Self { tag, bases: Vec::new() };
        }
        println!(
            "the base images {bases:?} are not available: building the last stage on libraries of this machine"
        );
        Self::last_stage(tag, &id, &dockerfile)
    }

    fn last_stage(tag: String, id: &str, dockerfile: &str) -> Self {
        let program = built_program();
        let folder = tempfile::tempdir().unwrap();
        let (base, out) = (folder.path().join("base"), folder.path().join("program"));
        for library in libraries(&program) {
            copy(&library, &base.join(library.strip_prefix("/").unwrap()));
        }
        copy(&program, &out.join("out/bin/miroir"));
        std::fs::create_dir_all(out.join("out/lib/miroir")).unwrap();
        let images = [("base", base), ("program", out)].map(|(part, root)| {
            let image = format!("miroir-test-{part}:{id}");
            fed(&["import", "-", &image], &packed(&root));
            image
        });
        let (start, rest) = dockerfile.split_once("FROM ${BUILDER} AS build").expect("a stage that builds");
        let (_, end) = rest.split_once("\nFROM ").expect("a stage behind it");
        let arguments = [format!("RUNTIME={}", images[0]), format!("PROGRAM={}", images[1])];
        let context = repository(".").display().to_string();
        fed(
            &[
                "build",
                "--tag",
                &tag,
                "--build-arg",
                &arguments[0],
                "--build-arg",
                &arguments[1],
                "--file",
                "-",
                &context,
            ],
            // The classic builder reads a Dockerfile from standard input, beside a context that is a folder.
            format!("{start}FROM {end}").as_bytes(),
        );
        Self { tag, bases: images.to_vec() }
    }

    fn run(&self, options: &[&str]) -> Running {
        let mut arguments = vec!["run", "--detach", "--read-only", "--cap-drop", "ALL"];
        arguments.extend(["--security-opt", "no-new-privileges", "--health-interval", "1s"]);
        arguments.extend(options);
        arguments.push(&self.tag);
        Running(output_of(arguments))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        docker(["rmi", "--force", &self.tag]);
        for base in &self.bases {
            docker(["rmi", "--force", base]);
        }
    }
}

impl Running {
    fn state(&self, format: &str) -> String {
        output_of(["inspect", "--format", format, &self.0])
    }

    fn log(&self) -> String {
        let output = docker(["logs", &self.0]);
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
    }

    fn until(&self, format: &str, wanted: &str) {
        for _ in 0..CHECKS {
            if self.state(format) == wanted {
                return;
            }
            sleep(PAUSE);
        }
        panic!("{format} is {} and not {wanted}: {}", self.state(format), self.log());
    }

    /// Returns the response to `GET path` through the published port.
    fn get(&self, path: &str) -> String {
        let address = output_of(["port", &self.0, "7700/tcp"]);
        let address = address.lines().next().unwrap();
        let mut stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        write!(stream, "GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        docker(["rm", "--force", "--volumes", &self.0]);
    }
}

/// Returns the default of an argument of the Dockerfile.
fn default_of(dockerfile: &str, argument: &str) -> String {
    let start = format!("ARG {argument}=");
    let found = dockerfile.lines().find_map(|line| line.strip_prefix(&start));
    found.unwrap_or_else(|| panic!("the Dockerfile has no `{start}`")).to_owned()
}

fn is_available(image: &str) -> bool {
    docker(["image", "inspect", image]).status.success()
        || docker(["pull", "--quiet", image]).status.success()
}

/// Builds the program with cargo and returns its path.
fn built_program() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "miroir", "--bin", "miroir", "--message-format=json"]);
    let output = command.current_dir(repository(".")).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "miroir does not build");
    let messages = String::from_utf8(output.stdout).unwrap();
    let mut messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executable = messages.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    executable.expect("cargo reports the path of the program")
}

/// Returns the libraries of a program from the output of `ldd`: `libm.so.6 => /lib/libm.so.6 (0x…)`.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Command::new("ldd").arg(program).output().expect("ldd, which comes with the C library");
    let text = String::from_utf8(output.stdout).unwrap();
    let found = text.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    let found: Vec<PathBuf> = found.map(PathBuf::from).collect();
    assert!(found.len() > 1, "ldd printed: {text}");
    found
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}

/// Packs a folder as a tar archive owned by root.
fn packed(folder: &Path) -> Vec<u8> {
    let mut command = Command::new("tar");
    command.args(["--create", "--owner=0", "--group=0", "--directory"]).arg(folder).arg(".");
    let output = command.output().expect("tar");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn container_serves_unprivileged_from_a_read_only_root_and_exits_with_zero() {
    let image = Image::build("serve");
    let running = image.run(&["--publish", "127.0.0.1::7700"]);

    // The health check of the engine runs `miroir health`.
    running.until("{{.State.Health.Status}}", "healthy");
    let response = running.get("/health");
    assert!(response.starts_with("HTTP/1.1 200") && response.contains("available"), "{response}");

    assert_eq!(running.state("{{.Config.User}}"), "65532:65532");
    let processes = output_of(["top", &running.0, "-eo", "pid,uid,args"]);
    let users: Vec<&str> =
        processes.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(users, ["65532"], "{processes}");
    assert_eq!(running.state("{{.HostConfig.ReadonlyRootfs}}"), "true");
    // The store is on the volume and intact.
    let look = output_of(["exec", &running.0, "/usr/local/bin/miroir", "store", "check", "--json"]);
    assert!(serde_json::from_str::<Value>(&look).is_ok(), "{look}");
    let mounts: Value = serde_json::from_str(&running.state("{{json .Mounts}}")).unwrap();
    assert_eq!(mounts[0]["Destination"], "/var/lib/miroir");

    output_of(["kill", "--signal", "TERM", &running.0]);
    running.until("{{.State.Status}}", "exited");
    assert_eq!(running.state("{{.State.ExitCode}}"), "0", "{}", running.log());
    assert!(running.log().contains("\"stopped\""), "{}", running.log());
}

#[test]
fn container_with_wrong_settings_prints_them_and_exits_with_two() {
    let image = Image::build("wrong");
    let running = image.run(&["--env", "MIROIR_SERVER__ADRESS=0.0.0.0:1"]);
    running.until("{{.State.Status}}", "exited");
    assert_eq!(running.state("{{.State.ExitCode}}"), "2", "{}", running.log());
    assert!(running.log().contains("did you mean MIROIR_SERVER__ADDRESS?"), "{}", running.log());
}

#[test]
fn image_declares_its_program_and_has_no_shell() {
    let image = Image::build("inspect");
    let config: Value =
        serde_json::from_str(&output_of(["inspect", "--format", "{{json .Config}}", &image.tag])).unwrap();
    assert_eq!(config["Entrypoint"], json!(["/usr/local/bin/miroir"]));
    assert_eq!(config["Cmd"], json!(["serve"]));
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["StopSignal"], "SIGTERM");
    assert_eq!(config["Healthcheck"]["Test"], json!(["CMD", "/usr/local/bin/miroir", "health"]));
    for shell in ["/bin/sh", "/bin/bash", "/busybox/sh"] {
        let output = docker(["run", "--rm", "--entrypoint", shell, &image.tag, "-c", "true"]);
        assert_eq!(output.status.code(), Some(127), "the image has {shell}");
    }
    // A health check without a server fails, so that a healthy state is significant.
    let alone = docker(["run", "--rm", &image.tag, "health"]);
    assert_eq!(alone.status.code(), Some(1), "{}", String::from_utf8_lossy(&alone.stdout));
    let size = output_of(["inspect", "--format", "{{.Size}}", &image.tag]);
    println!("the image has {size} bytes");
}

#[test]
fn context_has_every_file_of_the_workspace() {
    let tag = format!("miroir-test-context:{}", std::process::id());
    let context = repository(".").display().to_string();
    fed(&["build", "--tag", &tag, "--file", "-", &context], b"FROM scratch\nCOPY . /\nCMD [\"none\"]\n");
    let image = Image { tag, bases: Vec::new() };
    let container = Running(output_of(["create", &image.tag]));
    let archive = docker(["export", &container.0]).stdout;
    let folder = tempfile::tempdir().unwrap();
    let listed = folder.path().join("context.tar");
    std::fs::write(&listed, archive).unwrap();
    let text_of = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let sent = text_of(Command::new("tar").arg("--list").arg("--file").arg(&listed));
    let sent: Vec<&str> = sent.lines().collect();
    let folders = ["Cargo.toml", "Cargo.lock", "adapters", "app", "deploy", "domain", "migrations", "ports"];
    let kept =
        text_of(Command::new("git").current_dir(repository(".")).args(["ls-files", "--"]).args(folders));
    let missing: Vec<&str> = kept.lines().filter(|file| !sent.contains(file)).collect();
    assert!(kept.lines().count() > 100 && missing.is_empty(), "not sent to the engine: {missing:?}");
}

#[test]
fn compose_accepts_its_file() {
    let compose: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
    let answers = |words: &&[&str]| {
        let output = Command::new(words[0]).args(&words[1..]).arg("version").output();
        output.is_ok_and(|output| output.status.success())
    };
    let words =
        compose.into_iter().find(answers).expect("neither `docker compose` nor docker-compose is installed");
    let (file, variables) = (repository("compose.yaml"), repository(".env.example"));
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg("--file").arg(&file).arg("--env-file").arg(&variables).arg("config");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown: Value = serde_norway::from_str(&String::from_utf8(output.stdout).unwrap()).unwrap();
    assert_eq!(shown["services"].as_object().map(serde_json::Map::len), Some(6));
}
