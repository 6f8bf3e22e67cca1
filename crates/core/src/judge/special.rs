//! The few special functions that the statistics rest on, in plain floating point.
//!
//! Gamma by Stirling's series (Abramowitz and Stegun, "Handbook of Mathematical Functions", 6.1.41),
//! the beta distribution by its continued fraction (NIST Digital Library of Mathematical Functions,
//! 8.17.22) in the order of W. J. Lentz (Applied Optics 15, 1976), the normal distribution by the series
//! of G. Marsaglia (Journal of Statistical Software 11, 2004) and Laplace's continued fraction.

/// Steps after which a continued fraction is taken as it is: enough for samples of a billion.
const MOST_STEPS: u32 = 200_000;

/// Smallest size of a partial denominator, so that none is divided by zero.
const TINY: f64 = 1e-300;

/// The logarithm of the gamma function, for arguments above zero.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    let mut x = x;
    let mut product = 1.0;
    while x < 12.0 {
        product *= x;
        x += 1.0;
    }
    let square = x * x;
    let series = (1.0 / 12.0
        - (1.0 / 360.0
            - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / (1188.0 * square)) / square) / square)
            / square)
        / x;
    (x - 0.5) * x.ln() - x + std::f64::consts::TAU.ln() / 2.0 + series - f64::ln(product)
}

/// The logarithm of the beta function, for arguments above zero.
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// The logarithm of the number of ways to choose `part` of `whole`.
pub(crate) fn ln_choose(whole: u64, part: u64) -> f64 {
    let factorial = |n: u64| ln_gamma(n as f64 + 1.0);
    factorial(whole) - factorial(part) - factorial(whole - part)
}

/// The logarithm of the chance that a beta-distributed rate is at most `x`.
pub(crate) fn ln_beta_below(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        f64::NEG_INFINITY
    } else if x >= 1.0 {
        0.0
    } else if x <= (a + 1.0) / (a + b + 2.0) {
        ln_beta_fraction(x, a, b)
    } else {
        (-ln_beta_fraction(1.0 - x, b, a).exp()).ln_1p()
    }
}

/// The logarithm of the chance that a beta-distributed rate is above `x`.
pub(crate) fn ln_beta_above(x: f64, a: f64, b: f64) -> f64 {
    ln_beta_below(1.0 - x, b, a)
}

/// The chance of at least `failures` among `devices` that fail at `rate` each.
pub(crate) fn at_least(failures: u64, devices: u64, rate: f64) -> f64 {
    if failures == 0 {
        1.0
    } else if failures > devices {
        0.0
    } else {
        let (k, n) = (failures as f64, devices as f64);
        ln_beta_below(rate, k, n - k + 1.0).exp()
    }
}

/// The chance that a standard normal variable is above `z`.
pub(crate) fn normal_above(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal_above(-z);
    }
    let density = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    if z > 5.0 {
        let fraction = (1..=60).rev().fold(z, |rest, n| z + f64::from(n) / rest);
        return density / fraction;
    }
    let (mut sum, mut term, mut n) = (z, z, 1.0);
    while term > sum * 1e-17 {
        n += 2.0;
        term *= z * z / n;
        sum += term;
    }
    0.5 - density * sum
}

/// What a standard normal variable exceeds with this chance (above 0, below 1).
pub(crate) fn normal_exceeded_with(chance: f64) -> f64 {
    bisect(-40.0, 40.0, |z| normal_above(z) <= chance)
}

/// The place between `low` and `high` from which `reached` holds.
pub(crate) fn bisect(low: f64, high: f64, reached: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if reached(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

fn ln_beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let (mut value, mut above, mut below) = (1.0, 1.0, 0.0);
    for step in 1..=MOST_STEPS {
        let m = f64::from(step / 2);
        let coefficient = if step.is_multiple_of(2) {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        below = 1.0 / away_from_zero(1.0 + coefficient * below);
        above = away_from_zero(1.0 + coefficient / above);
        value *= above * below;
        if (above * below - 1.0).abs() < 1e-15 {
            break;
        }
    }
    a * x.ln() + b * (-x).ln_1p() - a.ln() - ln_beta(a, b) - f64::ln(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64) {
        assert!(
            (found - wanted).abs() <= 1e-12 * wanted.abs().max(1.0),
            "{found} is not {wanted}"
        );
    }

    #[test]
    fn gamma_is_the_factorial() {
        let mut factorial = 0.0;
        for n in 1..=170u32 {
            close(ln_gamma(f64::from(n)), factorial);
            factorial += f64::from(n).ln();
        }
        close(ln_gamma(0.5), std::f64::consts::PI.ln() / 2.0);
        close(ln_choose(10, 3).exp(), 120.0);
    }

    #[test]
    fn tails_are_sums_of_their_terms() {
        for (n, rate) in [(1, 0.3), (20, 0.05), (60, 0.5), (200, 0.01), (90, 0.97)] {
            let term = |i: u64| {
                let (k, rest) = (i as f64, (n - i) as f64);
                (ln_choose(n, i) + k * f64::ln(rate) + rest * f64::ln_1p(-rate)).exp()
            };
            for k in 0..=n + 1 {
                close(at_least(k, n, rate), (k..=n).map(term).sum());
            }
        }
    }

    #[test]
    fn normal_tails_and_back() {
        close(normal_above(0.0), 0.5);
        close(normal_exceeded_with(0.025), 1.959_963_984_540_054);
        close(normal_exceeded_with(0.95), -1.644_853_626_951_472);
        for z in [0.1, 1.0, 4.9, 5.1, 8.0] {
            assert!(
                (normal_exceeded_with(normal_above(z)) - z).abs() < 1e-8,
                "{z}"
            );
        }
        assert!((normal_above(6.0) / 9.865_876_450_377e-10 - 1.0).abs() < 1e-9);
    }
}
