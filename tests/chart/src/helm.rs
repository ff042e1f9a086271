//! Runs helm.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::copy::ChartCopy;
use crate::object::{Object, Rendered};
use crate::path::{chart, repository};

/// Name of the release.
pub const RELEASE: &str = "shop";
/// Namespace of the release.
pub const NAMESPACE: &str = "search";
/// Version of Kubernetes, unless a test sets another.
const KUBERNETES: &str = "1.31";

/// Values of the chart: one of its examples, and an overlay of the test.
#[derive(Debug, Clone)]
pub struct Values {
    chart: PathBuf,
    release: String,
    example: Option<PathBuf>,
    overlay: String,
    kubernetes: String,
    only: Option<String>,
}

impl Values {
    /// Returns the values of `charts/miroir/examples/<name>.yaml`.
    pub fn example(name: &str) -> Self {
        Self { example: Some(chart().join(format!("examples/{name}.yaml"))), ..Self::defaults() }
    }

    /// Returns the defaults of the chart.
    pub fn defaults() -> Self {
        Self {
            chart: chart(),
            release: RELEASE.to_owned(),
            example: None,
            overlay: "{}".to_owned(),
            kubernetes: KUBERNETES.to_owned(),
            only: None,
        }
    }

    /// Sets the overlay, in YAML.
    #[must_use]
    pub fn with(mut self, overlay: &str) -> Self {
        overlay.clone_into(&mut self.overlay);
        self
    }

    /// Sets the version of Kubernetes.
    #[must_use]
    pub fn kubernetes(mut self, version: &str) -> Self {
        version.clone_into(&mut self.kubernetes);
        self
    }

    /// Sets the name of the release.
    #[must_use]
    pub fn release(mut self, name: &str) -> Self {
        name.clone_into(&mut self.release);
        self
    }

    /// Sets the chart to a changed copy.
    #[must_use]
    pub fn of_copy(mut self, copy: &ChartCopy) -> Self {
        copy.folder().clone_into(&mut self.chart);
        self
    }

    /// Renders one template alone.
    #[must_use]
    pub fn only(mut self, template: &str) -> Self {
        self.only = Some(template.to_owned());
        self
    }

    /// Returns the objects that `helm template` renders, or its error output.
    ///
    /// # Panics
    ///
    /// Panics if helm is missing, or if it prints invalid YAML.
    pub fn render(&self) -> Result<Rendered, String> {
        let mut arguments = vec!["template", &self.release, "--namespace", NAMESPACE];
        arguments.extend(["--kube-version", &self.kubernetes]);
        if let Some(template) = &self.only {
            arguments.extend(["--show-only", template]);
        }
        let output = self.helm(&arguments);
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let text = String::from_utf8(output.stdout).expect("helm prints UTF-8");
        Ok(Rendered::new(Object::of_documents(&text)))
    }

    /// Returns the rendered objects.
    ///
    /// # Panics
    ///
    /// Panics if helm refuses the values.
    pub fn rendered(&self) -> Rendered {
        self.render().unwrap_or_else(|refusal| panic!("helm refused: {refusal}"))
    }

    /// Returns the output of `helm lint --strict`, as an error if it fails.
    pub fn lint(&self) -> Result<String, String> {
        let output = self.helm(&["lint", "--strict"]);
        let printed =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(printed) } else { Err(printed) }
    }

    fn helm(&self, arguments: &[&str]) -> Output {
        let program = repository("target/helm/helm");
        let mut command = Command::new(&program);
        command.args(arguments).arg(&self.chart);
        if let Some(example) = &self.example {
            command.arg("--values").arg(example);
        }
        // No plugins and no cluster of this machine.
        command.args(["--values", "-"]).env_clear().env("HOME", repository("target/helm"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("cannot run {} ({error}): `make helm` installs it", program.display())
        });
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(self.overlay.as_bytes()).expect("helm reads its values");
        drop(input);
        child.wait_with_output().expect("helm ends")
    }
}
