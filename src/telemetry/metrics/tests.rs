use super::*;

fn registry() -> Arc<Registry> {
    let registry = Registry::new();
    registry.counter(
        "lb_a_total",
        "First.\nSecond \\.",
        &[("x", "q\"\\\n")],
        || 7,
    );
    registry.gauge("lb_b", "A gauge.", &[], || 1.0);
    registry
}

#[test]
fn the_text_format_is_that_of_prometheus() {
    let text = registry().render(Format::Text);
    let expected = "# HELP lb_a_total First.\\nSecond \\\\.\n# TYPE lb_a_total counter\n\
        lb_a_total{x=\"q\\\"\\\\\\n\"} 7\n# HELP lb_b A gauge.\n# TYPE lb_b gauge\nlb_b 1.0\n";
    assert_eq!(text, expected);
}

#[test]
fn open_metrics_names_the_family_without_its_ending_and_says_where_it_ends() {
    let text = registry().render(Format::OpenMetrics);
    assert!(text.contains("# TYPE lb_a counter\nlb_a_total{"), "{text}");
    assert!(text.ends_with("lb_b 1.0\n# EOF\n"), "{text}");
}

#[test]
fn ranges_are_told_with_those_below_them() {
    let registry = Registry::new();
    let mut group = Group::new();
    group.histogram("lb_h", "Ranges.", &[("a", "b")], || Snapshot {
        bounds: vec![0.5, 1.0],
        counts: vec![2, 1, 4],
        sum: 12.5,
    });
    registry.set("h", group);
    let text = registry.render(Format::Text);
    let expected = "lb_h_bucket{a=\"b\",le=\"0.5\"} 2\nlb_h_bucket{a=\"b\",le=\"1.0\"} 3\n\
        lb_h_bucket{a=\"b\",le=\"+Inf\"} 7\nlb_h_sum{a=\"b\"} 12.5\nlb_h_count{a=\"b\"} 7\n";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_group_takes_the_place_of_its_namesake() {
    let registry = Registry::new();
    for value in [1, 2] {
        let mut group = Group::new();
        group.counter("lb_c_total", "C.", &[], move || value);
        registry.set("same", group);
    }
    registry.counter("lb_c_total", "C.", &[("l", "1")], || 3);
    registry.counter("lb_c_total", "C.", &[("l", "1")], || 4);
    let text = registry.render(Format::Text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, ["lb_c_total{l=\"1\"} 4", "lb_c_total 2"]);
}

#[test]
fn the_process_knows_itself() {
    let registry = Registry::new();
    registry.set("process", process(crate::model::Instant(1_700_000_000_500)));
    let text = registry.render(Format::Text);
    let value = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(name));
        line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
    };
    if std::path::Path::new("/proc/self/status").exists() {
        assert!(value("process_resident_memory_bytes ") > 100_000.0);
        assert!(value("process_open_fds ") >= 3.0);
        assert!(value("process_max_fds ") >= value("process_open_fds "));
        assert!(value("process_cpu_seconds_total ") >= 0.0);
    }
    assert_eq!(value("process_start_time_seconds "), 1_700_000_000.5);
}
