/**
 * Initial weights: the numbers of src/common/random (Philox4x32-10 and the inverse normal distribution of AS 241) to the last bit,
 * in the same operations one after the other. Sources and explanations stand there.
 */
const MULTIPLIER_0: u64 = 0xd2511f53;
const MULTIPLIER_1: u64 = 0xcd9e8d57;
const WEYL_0: u32 = 0x9e3779b9;
const WEYL_1: u32 = 0xbb67ae85;
const ROUNDS: i32 = 10;

const LN2_HIGH: f64 = 0.6931471803691238;
const LN2_LOW: f64 = 1.9082149292705877e-10;
const SQRT2: f64 = 1.4142135623730951;

/** (0, 1), never reaching either end. */
@inline
function uniform53(high: u32, low: u32): f64 {
  return (<f64>(high >> 5) * 33554432 + <f64>(low >> 7) + 0.5) * 2.220446049250313e-16;
}

/** ln x for normal numbers x > 0. */
@inline
function naturalLogarithm(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = <i32>(bits >> 52) - 1023;
  let mantissa = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (mantissa > SQRT2) {
    mantissa *= 0.5;
    exponent += 1;
  }
  const f = mantissa - 1;
  const s = f / (2 + f);
  const z = s * s;
  const tail =
    z *
    (0.6666666666666735 +
      z *
        (0.3999999999940942 +
          z *
            (0.2857142874366239 +
              z *
                (0.22222198432149784 +
                  z * (0.1818357216161805 + z * (0.15313837699209373 + z * 0.14798198605116586))))));
  const halfSquare = 0.5 * f * f;
  const e = <f64>exponent;
  return e * LN2_HIGH - (halfSquare - (s * (halfSquare + tail) + e * LN2_LOW) - f);
}

/** By Horner's rule, the highest power first. */
@inline
function polynomial(x: f64, c0: f64, c1: f64, c2: f64, c3: f64, c4: f64, c5: f64, c6: f64, c7: f64): f64 {
  return ((((((c0 * x + c1) * x + c2) * x + c3) * x + c4) * x + c5) * x + c6) * x + c7;
}

/** The normal number with the cumulative probability u; exported for comparison. */
export function normal(u: f64): f64 {
  const fromMedian = u - 0.5;
  if (abs(fromMedian) <= 0.425) {
    const r = 0.180625 - fromMedian * fromMedian;
    return (
      (fromMedian *
        polynomial(
          r, 2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
          1971.5909503065513, 133.14166789178438, 3.3871328727963665,
        )) /
      polynomial(
        r, 5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
        687.1870074920579, 42.31333070160091, 1,
      )
    );
  }
  const root = sqrt(-naturalLogarithm(fromMedian < 0 ? u : 1 - u));
  const middle = root - 1.6;
  const far = root - 5;
  const magnitude =
    root <= 5
      ? polynomial(
          middle, 0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684,
          3.6478483247632045, 5.769497221460691, 4.630337846156546, 1.4234371107496835,
        ) /
        polynomial(
          middle, 1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008,
          0.6897673349851, 1.6763848301838038, 2.053191626637759, 1,
        )
      : polynomial(
          far, 2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124,
          0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
        ) /
        polynomial(
          far, 2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133,
          0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
        );
  return fromMedian < 0 ? -magnitude : magnitude;
}

/**
 * y[0 … 2·pairs) = deviation · normal numbers, two from each counter (pair, tensor, 0, 0) for pair = first, first + 1 …
 */
export function drawNormal(
  pairs: i32, first: u32, tensor: u32, keyLow: u32, keyHigh: u32, deviation: f64, y: usize,
): void {
  for (let pair = 0; pair < pairs; pair++, y += 8) {
    let c0: u32 = first + pair, c1 = tensor, c2: u32 = 0, c3: u32 = 0;
    let key0 = keyLow, key1 = keyHigh;
    for (let round = 0; round < ROUNDS; round++) {
      const product0 = MULTIPLIER_0 * <u64>c0;
      const product1 = MULTIPLIER_1 * <u64>c2;
      c0 = <u32>(product1 >> 32) ^ c1 ^ key0;
      c1 = <u32>product1;
      c2 = <u32>(product0 >> 32) ^ c3 ^ key1;
      c3 = <u32>product0;
      key0 += WEYL_0;
      key1 += WEYL_1;
    }
    store<f32>(y, <f32>(normal(uniform53(c0, c1)) * deviation));
    store<f32>(y, <f32>(normal(uniform53(c2, c3)) * deviation), 4);
  }
}
