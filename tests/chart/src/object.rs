//! Rendered objects and queries on them.

use std::ops::Deref;

use serde::Deserialize as _;
use serde_json::Value;

/// An object of Kubernetes.
#[derive(Debug, Clone)]
pub struct Object(pub Value);

/// All objects of one rendering.
#[derive(Debug, Clone)]
pub struct Rendered(Vec<Object>);

/// A container of a pod, with its name in messages.
#[derive(Debug, Clone)]
pub struct Container {
    /// Fields of the container in Kubernetes.
    pub value: Value,
    /// Names of the object and the container.
    pub title: String,
}

impl Object {
    /// Parses the objects of several YAML documents, and skips empty ones.
    pub(crate) fn of_documents(text: &str) -> Vec<Self> {
        serde_norway::Deserializer::from_str(text)
            .map(|document| Value::deserialize(document).expect("helm prints YAML"))
            .filter(|value| !value.is_null())
            .map(Self)
            .collect()
    }

    /// Returns the value at the JSON pointer, or null if there is none.
    pub fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// Returns the text at the JSON pointer, or an empty one if there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// Returns the kind.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Returns kind and name.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind(), self.name())
    }

    /// Returns the labels and the specification of its pods, if the object has pods or is one.
    pub fn pod(&self) -> Option<(&Value, &Value)> {
        match self.kind() {
            "Pod" => Some((self.at("/metadata/labels"), self.at("/spec"))),
            "Deployment" | "StatefulSet" => {
                Some((self.at("/spec/template/metadata/labels"), self.at("/spec/template/spec")))
            }
            _ => None,
        }
    }

    /// Returns the containers of its pods.
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
    /// Returns the entries of a list, such as `env`.
    pub fn list(&self, key: &str) -> Vec<Value> {
        self.value[key].as_array().cloned().unwrap_or_default()
    }

    /// Returns the entry of the environment with this name.
    pub fn variable(&self, name: &str) -> Option<Value> {
        self.list("env").into_iter().find(|entry| entry["name"] == name)
    }
}

impl Rendered {
    pub(crate) fn new(objects: Vec<Object>) -> Self {
        Self(objects)
    }

    /// Returns the objects of one kind.
    pub fn of_kind(&self, kind: &str) -> Vec<&Object> {
        self.iter().filter(|object| object.kind() == kind).collect()
    }

    /// Returns the object of this kind and name.
    pub fn find(&self, kind: &str, name: &str) -> Option<&Object> {
        self.iter().find(|object| object.kind() == kind && object.name() == name)
    }

    /// Returns the object of this kind and name.
    ///
    /// # Panics
    ///
    /// Panics if there is no such object.
    pub fn get(&self, kind: &str, name: &str) -> &Object {
        self.find(kind, name).unwrap_or_else(|| {
            let titles: Vec<String> = self.iter().map(Object::title).collect();
            panic!("no {kind} {name} among {titles:?}")
        })
    }

    /// Returns kind and name of each object, sorted.
    pub fn titles(&self) -> Vec<String> {
        let mut titles: Vec<String> = self.iter().map(Object::title).collect();
        titles.sort();
        titles
    }

    /// Returns the objects whose pods have every label of `selector`.
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
