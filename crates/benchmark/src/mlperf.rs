//! MLPerf directories: laid out, and audited.
