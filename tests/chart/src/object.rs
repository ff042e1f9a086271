//! What was rendered, and what is asked of it.

use std::ops::Deref;

use serde::Deserialize as _;
use serde_json::Value;

/// One object of Kubernetes. What a path does not lead to is null.
#[derive(Debug, Clone)]
pub struct Object(pub Value);

/// Everything one rendering made.
#[derive(Debug, Clone)]
pub struct Rendered(Vec<Object>);

/// A container of a pod, and how it is called in messages.
#[derive(Debug, Clone)]
pub struct Container {
    /// What it is: its keys as Kubernetes has them.
    pub value: Value,
    /// Object and container.
    pub title: String,
}

impl Object {
    /// The objects of several YAML documents; empty ones are left out.
    pub(crate) fn of_documents(text: &str) -> Vec<Self> {
        serde_norway::Deserializer::from_str(text)
            .map(|document| Value::deserialize(document).expect("helm prints YAML"))
            .filter(|value| !value.is_null())
            .map(Self)
            .collect()
    }

    /// What the JSON pointer leads to.
    pub fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The text the JSON pointer leads to; empty where there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// What it is.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Kind and name.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind(), self.name())
    }

    /// Labels and specification of the pods it makes, or is.
    pub fn pod(&self) -> Option<(&Value, &Value)> {
        match self.kind() {
            "Pod" => Some((self.at("/metadata/labels"), self.at("/spec"))),
            "Deployment" | "StatefulSet" => {
                Some((self.at("/spec/template/metadata/labels"), self.at("/spec/template/spec")))
            }
            _ => None,
        }
    }

    /// The containers of its pods.
    pub fn containers(&self) -> Vec<Container> {
        let Some((_, pod)) = self.pod() else { return Vec::new() };
        let lists = ["initContainers", "containers"].map(|list| pod[list].as_array().cloned());
        lists
            .into_iter()
            .flatten()
            .flatten()
            .map(|value| Container {
                title: format!("{}, container {}", self.title(), value["name"].as_str().unwrap_or("?")),
                value,
            })
            .collect()
    }
}

impl Container {
    /// The entries of a list, such as `env`.
    pub fn list(&self, key: &str) -> Vec<Value> {
        self.value[key].as_array().cloned().unwrap_or_default()
    }

    /// Its environment: the entry of this name.
    pub fn variable(&self, name: &str) -> Option<Value> {
        self.list("env").into_iter().find(|entry| entry["name"] == name)
    }
}

impl Rendered {
    pub(crate) fn new(objects: Vec<Object>) -> Self {
        Self(objects)
    }

    /// The objects of one kind.
    pub fn of_kind(&self, kind: &str) -> Vec<&Object> {
        self.iter().filter(|object| object.kind() == kind).collect()
    }

    /// The object of this kind and name.
    pub fn find(&self, kind: &str, name: &str) -> Option<&Object> {
        self.iter().find(|object| object.kind() == kind && object.name() == name)
    }

    /// The one object of this kind and name.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn get(&self, kind: &str, name: &str) -> &Object {
        self.find(kind, name).unwrap_or_else(|| {
            let titles: Vec<String> = self.iter().map(Object::title).collect();
            panic!("no {kind} {name} among {titles:?}")
        })
    }

    /// Kind and name of each, sorted.
    pub fn titles(&self) -> Vec<String> {
        let mut titles: Vec<String> = self.iter().map(Object::title).collect();
        titles.sort();
        titles
    }

    /// The objects whose pods carry every label of `selector`.
    pub fn selected(&self, selector: &Value) -> Vec<&Object> {
        let wanted = selector.as_object();
        let fits = |labels: &Value| {
            wanted.is_some_and(|wanted| wanted.iter().all(|(label, value)| labels[label] == *value))
        };
        self.iter().filter(|object| object.pod().is_some_and(|(labels, _)| fits(labels))).collect()
    }
}

impl Deref for Rendered {
    type Target = [Object];

    fn deref(&self) -> &[Object] {
        &self.0
    }
}
