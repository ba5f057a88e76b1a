//! Python's table of priorities.

use tracing_handlers_syslog::{Facility, Severity, encode_priority, map_priority};

#[test]
fn all_names_and_numbers_are_pythons() {
    let table = include_str!("../data/syslog_pri.csv");
    let mut rows = 0;
    for row in table.lines().skip(1) {
        let [facility_name, facility, priority_name, priority, pri] = row.split(',').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let (by_name, by_number): (Facility, Facility) = (facility_name.parse().unwrap(), facility.parse().unwrap());
        assert_eq!((by_name, by_name.name()), (by_number, facility_name), "{row}");
        let severity: Severity = priority_name.parse().unwrap();
        assert_eq!(severity, priority.parse().unwrap(), "{row}");
        assert_eq!(encode_priority(by_name, severity).to_string(), pri, "{row}");
        rows += 1;
    }
    assert_eq!(rows, 288);
}

#[test]
fn what_is_no_name_and_no_number_is_refused() {
    for text in ["", "local8", "24", "-1", "user "] {
        assert!(text.parse::<Facility>().unwrap_err().is_config(), "{text:?}");
    }
    assert!("8".parse::<Severity>().unwrap_err().to_string().contains("\"8\""));
    assert_eq!("LOCAL7".parse::<Facility>().unwrap(), Facility::Local7);
}

#[test]
fn levels_map_as_python_maps_them() {
    let cases = [
        ("DEBUG", "debug"),
        ("INFO", "info"),
        ("WARNING", "warning"),
        ("ERROR", "err"),
        ("CRITICAL", "crit"),
        ("x", "warning"),
    ];
    for (level, severity) in cases {
        assert_eq!(map_priority(level).name(), severity);
    }
}
