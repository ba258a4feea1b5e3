"use strict";
// A small piano-like synthesizer: notes in, two channels of samples out. The same for every excerpt.

const RATE = 48000; // samples per second, for which the filters of `loudness` are made
const TAIL_SECONDS = 0.8; // in which the last notes and the room fade away
const LOUDNESS = -21; // LUFS, of every excerpt
const RELEASE_SECONDS = 0.09; // time constant of the decay of a note that has ended
const LARGEST_PARTIAL = 10;

const tones = new Map(); // pitch → its samples

/** A held note of a MIDI pitch: partials of stretched frequencies that fade at two speeds, and the hammer's noise. */
function toneOf(pitch) {
  if (tones.has(pitch)) return tones.get(pitch);
  const fundamental = 440 * 2 ** ((pitch - 69) / 12);
  const fade = Math.min(Math.max(1.5 * 2 ** ((60 - pitch) / 20), 0.22), 2.6); // seconds
  const samples = new Float32Array(Math.round(RATE * Math.min(Math.max(4.5 * fade, 0.8), 4.5)));
  const stiffness = 0.0003 * Math.exp(0.055 * (pitch - 60));
  for (let n = 1; n <= LARGEST_PARTIAL; n++) {
    const frequency = n * fundamental * Math.sqrt(1 + stiffness * n * n);
    if (frequency > 10000) break;
    const level = Math.abs(Math.sin(0.38 * n)) * n ** -0.75 * Math.exp(-frequency / 2400);
    const seconds = fade / (1 + 0.16 * (n - 1));
    const strings = n <= 3 ? [0.9998, 1.0003] : [1]; // which beat slowly
    for (const detuning of strings) {
      addPartial(samples, frequency * detuning, level / strings.length, seconds);
    }
  }
  addHammer(samples, pitch);
  const attack = Math.round(RATE * (pitch < 60 ? 0.004 : 0.002));
  for (let i = 0; i < attack; i++) samples[i] *= Math.sin((Math.PI / 2) * (i / attack)) ** 2;
  const end = Math.round(0.15 * RATE);
  for (let i = 1; i <= end; i++) samples[samples.length - i] *= i / end;
  tones.set(pitch, normalized(samples, pitch));
  return tones.get(pitch);
}

function addPartial(samples, frequency, level, seconds) {
  const angle = (2 * Math.PI * frequency) / RATE;
  const turn = 2 * Math.cos(angle); // sin(x + angle) = turn * sin(x) - sin(x - angle)
  const fast = Math.exp(-1 / (0.28 * seconds * RATE));
  const slow = Math.exp(-1 / (1.3 * seconds * RATE));
  let before = -Math.sin(angle);
  let now = 0;
  let struck = 0.65 * level;
  let sung = 0.35 * level;
  for (let i = 0; i < samples.length && struck + sung > 1e-5; i++) {
    samples[i] += (struck + sung) * now;
    [before, now] = [now, turn * now - before];
    struck *= fast;
    sung *= slow;
  }
}

function addHammer(samples, pitch) {
  let noise = pitch; // of a fixed generator, so that a tone is always the same
  let smooth = 0;
  for (let i = 0; i < RATE * 0.05; i++) {
    noise = (Math.imul(noise, 1664525) + 1013904223) | 0;
    smooth += 0.12 * (noise / 2 ** 31 - smooth);
    samples[i] += 0.16 * smooth * Math.exp(-i / (0.01 * RATE));
  }
}

/** Scales a tone so that pitches are about equally loud, the highest a little softer. */
function normalized(samples, pitch) {
  const first = samples.subarray(0, Math.round(0.25 * RATE));
  const power = first.reduce((sum, value) => sum + value * value, 0) / first.length;
  const gain = (0.06 * (pitch > 84 ? 0.985 ** (pitch - 84) : 1)) / Math.sqrt(power);
  return samples.map((value) => value * gain);
}

/** Renders notes, [start, end, pitch] in steps, as [left, right], with `seconds` and a tail. */
function render(notes, seconds, stepsPerSecond) {
  const length = Math.round((seconds + TAIL_SECONDS) * RATE);
  const channels = [new Float32Array(length), new Float32Array(length)];
  const damping = Math.exp(-1 / (RELEASE_SECONDS * RATE));
  for (const [start, end, pitch] of notes) {
    const tone = toneOf(pitch);
    const first = Math.round((start / stepsPerSecond) * RATE);
    const held = Math.round(((end - start) / stepsPerSecond) * RATE);
    const angle = (Math.PI / 4) * (1 + (0.5 * (pitch - 62)) / 42); // low notes are heard on the left
    const [left, right] = [Math.cos(angle), Math.sin(angle)];
    let gain = 1;
    for (let i = 0; i < tone.length && first + i < length && gain > 1e-4; i++) {
      channels[0][first + i] += left * gain * tone[i];
      channels[1][first + i] += right * gain * tone[i];
      if (i >= held) gain *= damping;
    }
  }
  channels.forEach(addRoom);
  const fade = Math.round(0.5 * TAIL_SECONDS * RATE);
  for (const channel of channels) for (let i = 1; i <= fade; i++) channel[length - i] *= i / fade;
  return channels;
}

/** Adds the sound of a small room: four echoes that repeat and get duller, then two filters that blur them. */
function addRoom(samples, channel) {
  const room = new Float32Array(samples.length);
  for (const delay of [1215, 1293, 1390, 1476]) {
    const line = new Float32Array(delay + 25 * channel);
    let dull = 0;
    for (let i = 0, place = 0; i < samples.length; i++, place = (place + 1) % line.length) {
      const echo = line[place];
      dull += 0.6 * (echo - dull);
      line[place] = samples[i] + 0.76 * dull;
      room[i] += 0.25 * echo;
    }
  }
  for (const delay of [605, 480]) {
    const line = new Float32Array(delay + 25 * channel);
    for (let i = 0, place = 0; i < room.length; i++, place = (place + 1) % line.length) {
      const echo = line[place];
      line[place] = room[i] + 0.5 * echo;
      room[i] = echo - 0.5 * room[i];
    }
  }
  for (let i = 0; i < samples.length; i++) samples[i] += 0.14 * room[i];
}

/** A filter of second order, [b0, b1, b2, a1, a2]. */
function filtered(samples, [b0, b1, b2, a1, a2]) {
  const output = new Float32Array(samples.length);
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  for (let i = 0; i < samples.length; i++) {
    const y = b0 * samples[i] + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
    [x2, x1, y2, y1] = [x1, samples[i], y1, y];
    output[i] = y;
  }
  return output;
}

/** The loudness of two channels in LUFS, as in ITU-R BS.1770-4; -Infinity for silence. */
function loudness(channels) {
  const shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585];
  const highPass = [1, -2, 1, -1.99004745483398, 0.99007225036621];
  const weighted = channels.map((samples) => filtered(filtered(samples, shelf), highPass));
  const powers = []; // of blocks of 400 ms, each 100 ms after the one before
  for (let start = 0; start + 0.4 * RATE <= channels[0].length; start += 0.1 * RATE) {
    let sum = 0;
    for (const samples of weighted) for (let i = start; i < start + 0.4 * RATE; i++) sum += samples[i] ** 2;
    powers.push(sum / (0.4 * RATE));
  }
  const inLufs = (power) => -0.691 + 10 * Math.log10(power);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const audible = powers.filter((power) => inLufs(power) > -70);
  if (!audible.length) return -Infinity;
  const gate = inLufs(mean(audible)) - 10;
  return inLufs(mean(audible.filter((power) => inLufs(power) > gate)));
}

/** Brings excerpts to the same loudness: `LOUDNESS`, or as much less as the highest peak of all needs. */
function equallyLoud(excerpts) {
  const gains = excerpts.map((channels) => {
    const found = loudness(channels);
    return Number.isFinite(found) ? 10 ** ((LOUDNESS - found) / 20) : 1;
  });
  const peaks = excerpts.map((channels, k) => {
    let peak = 0;
    for (const samples of channels) for (const value of samples) peak = Math.max(peak, Math.abs(value));
    return peak * gains[k];
  });
  const together = Math.min(1, 0.98 / Math.max(...peaks, 1e-9));
  excerpts.forEach((channels, k) => {
    for (const samples of channels) for (let i = 0; i < samples.length; i++) samples[i] *= gains[k] * together;
  });
  return excerpts;
}
