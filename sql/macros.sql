-- What several tables compute alike. In the DuckDB shell: `.read sql/macros.sql`, then a table's
-- SELECT. A macro is expanded where it is used, so that the SELECT stays one plain statement.

-- Ends of the 95 % interval of a share of so many independent trials: E. B. Wilson, Probable
-- Inference, the Law of Succession, and Statistical Inference (1927).
create or replace temp macro wilson_low(share, trials) as
    (
        share + 1.959963984540054 * 1.959963984540054 / (2 * trials)
        - 1.959963984540054 * sqrt(
            share * (1 - share) / trials
            + 1.959963984540054 * 1.959963984540054 / (4 * trials * trials)
        )
    ) / (1 + 1.959963984540054 * 1.959963984540054 / trials);

create or replace temp macro wilson_high(share, trials) as
    (
        share + 1.959963984540054 * 1.959963984540054 / (2 * trials)
        + 1.959963984540054 * sqrt(
            share * (1 - share) / trials
            + 1.959963984540054 * 1.959963984540054 / (4 * trials * trials)
        )
    ) / (1 + 1.959963984540054 * 1.959963984540054 / trials);
