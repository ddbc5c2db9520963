//! How much memory there is left, in stages.

/// What is done about memory that runs out. Each stage does what the ones below it do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing.
    #[default]
    Calm = 0,
    /// Idle connections are ended after seconds.
    ShortIdle = 1,
    /// No connection is kept after its answer.
    NoKeepAlive = 2,
    /// Requests and new connections are refused.
    Refuse = 3,
}

/// From how many percent on each stage holds, the highest first.
const FROM: [(u64, Stage); 3] = [
    (95, Stage::Refuse),
    (92, Stage::NoKeepAlive),
    (85, Stage::ShortIdle),
];
/// How many percent less there must be for a stage to end: else it would come and go with every request.
const BACK: u64 = 3;

/// Follows how much of something is used.
#[derive(Debug, Default)]
pub(super) struct Stages {
    now: Stage,
}

impl Stages {
    /// The stage, now that `used` of `limit` is in use. Without a limit there are none.
    pub(super) fn observe(&mut self, used: u64, limit: u64) -> Stage {
        let percent = used.saturating_mul(100).checked_div(limit).unwrap_or(0);
        let holds = |(from, stage): (u64, Stage)| {
            let from = if stage <= self.now { from - BACK } else { from };
            (percent >= from).then_some(stage)
        };
        self.now = FROM.into_iter().find_map(holds).unwrap_or_default();
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(percents: &[u64]) -> Vec<Stage> {
        let mut stages = Stages::default();
        let walk = percents.iter().map(|p| stages.observe(p * 10, 1000));
        walk.collect()
    }

    #[test]
    fn stages_come_one_by_one() {
        use Stage as S;
        assert_eq!(
            walk(&[0, 84, 85, 91, 92, 94, 95, 300]),
            [
                S::Calm,
                S::Calm,
                S::ShortIdle,
                S::ShortIdle,
                S::NoKeepAlive,
                S::NoKeepAlive,
                S::Refuse,
                S::Refuse
            ]
        );
    }

    #[test]
    fn a_stage_ends_later_than_it_began() {
        use Stage as S;
        assert_eq!(
            walk(&[95, 94, 92, 91, 89, 88, 83, 82, 81, 84, 85, 0]),
            [
                S::Refuse,
                S::Refuse,
                S::Refuse,
                S::NoKeepAlive,
                S::NoKeepAlive,
                S::ShortIdle,
                S::ShortIdle,
                S::ShortIdle,
                S::Calm,
                S::Calm,
                S::ShortIdle,
                S::Calm
            ]
        );
    }

    #[test]
    fn without_a_limit_there_is_no_pressure() {
        let mut stages = Stages::default();
        assert_eq!(stages.observe(u64::MAX, 0), Stage::Calm);
        assert_eq!(stages.observe(u64::MAX, 1), Stage::Refuse);
    }
}
