//! Several replicas need Redis: the schema refuses other stores, and so does a template.

use miroir_test_chart::{ChartCopy, Values};

use super::sentence::sentences;

/// The sentence of the schema. Helm prints it once for the values and once for the templates.
const SCHEMA: &str = "taskStore.backend: taskStore.backend must be one of the following: \"redis\"";

/// One test per line: the overlay on the smallest example, and the sentence of the template.
macro_rules! refuses {
    ($($name:ident: $overlay:literal => $sentence:literal;)*) => {
        $(
            mod $name {
                use super::*;

                #[test]
                fn lint_prints_the_sentence_of_the_schema() {
                    let refusal = Values::example("sqlite").with($overlay).lint().expect_err("was accepted");
                    let found = sentences(&refusal);
                    let mut sentences = found.iter().filter(|sentence| !sentence.starts_with("(root)"));
                    assert!(found.contains(&SCHEMA), "helm printed: {refusal}");
                    assert!(sentences.all(|sentence| *sentence == SCHEMA), "helm printed: {refusal}");
                }

                #[test]
                fn rendering_prints_the_sentence_of_the_schema() {
                    let refusal = Values::example("sqlite").with($overlay).render().expect_err("was accepted");
                    assert!(sentences(&refusal).contains(&SCHEMA), "helm printed: {refusal}");
                }

                #[test]
                fn rendering_without_the_schema_prints_the_sentence_of_the_template() {
                    let copy = ChartCopy::without_schema().unwrap();
                    let values = Values::example("sqlite").with($overlay).of_copy(&copy);
                    let refusal = values.render().expect_err("was accepted");
                    assert_eq!(sentences(&refusal), [$sentence], "helm printed: {refusal}");
                }
            }
        )*
    };
}

refuses! {
    several_replicas_on_sqlite: "replicas: 2" =>
        "replicas is 2, but taskStore.backend is sqlite, which is for one instance: set replicas to 1, or taskStore.backend to redis.";
    several_replicas_in_memory: "{replicas: 3, taskStore: {backend: memory}}" =>
        "replicas is 3, but taskStore.backend is memory, which is for one instance: set replicas to 1, or taskStore.backend to redis.";
    scaling_on_sqlite: "autoscaling: {enabled: true}" =>
        "autoscaling.enabled is true, but taskStore.backend is sqlite, which is for one instance: set taskStore.backend to redis, or autoscaling.enabled to false.";
    scaling_in_memory: "{autoscaling: {enabled: true}, taskStore: {backend: memory}}" =>
        "autoscaling.enabled is true, but taskStore.backend is memory, which is for one instance: set taskStore.backend to redis, or autoscaling.enabled to false.";
}

#[test]
fn lint_accepts_several_replicas_on_redis() {
    let url = "taskStore: {backend: redis, redis: {url: 'redis://redis.example.com:6379/0'}}";
    for overlay in [
        format!("{{replicas: 3, {url}}}"),
        format!("{{autoscaling: {{enabled: true}}, {url}}}"),
        format!("{{replicas: 1, {url}}}"),
    ] {
        let printed = Values::example("sqlite").with(&overlay).lint();
        assert!(printed.is_ok(), "{overlay}: {printed:?}");
    }
}

#[test]
fn lint_accepts_one_replica_on_every_store() {
    for backend in ["sqlite", "memory"] {
        let overlay =
            format!("{{replicas: 1, autoscaling: {{enabled: false}}, taskStore: {{backend: {backend}}}}}");
        let printed = Values::example("sqlite").with(&overlay).lint();
        assert!(printed.is_ok(), "{backend}: {printed:?}");
    }
}
