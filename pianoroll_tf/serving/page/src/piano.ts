// A sampled grand piano: one sample every three semitones, played faster or slower for the pitches in between.

export const SAMPLE_RATE = 44_100;
/** Maximum length of a note: that of a sample at the lowest playback rate. */
export const MAX_NOTE_SECONDS = 8;

const LOWEST_SAMPLE = 24;
const HIGHEST_SAMPLE = 108;
const SAMPLE_SPACING = 3; // semitones
const SAMPLE_SECONDS = 7; // of each sample that are kept; it fades out over the last second
const NOTE_GAIN = 0.5;
const RELEASE_SECONDS = 0.09; // time constant of the decay after note off

/** A note that is sounding. */
export interface Voice {
  /** Ends the note at a time of the audio context, in seconds. */
  noteOff(when: number): void;
}

/** The MIDI pitch of the sample nearest to a pitch. */
export function nearestSamplePitch(pitch: number): number {
  const nearest = LOWEST_SAMPLE + Math.round((pitch - LOWEST_SAMPLE) / SAMPLE_SPACING) * SAMPLE_SPACING;
  return Math.max(LOWEST_SAMPLE, Math.min(HIGHEST_SAMPLE, nearest));
}

export class Piano {
  private samples = new Map<number, AudioBuffer>();
  private loading: Promise<void> | null = null;
  /** Whether all samples are loaded. */
  isLoaded = false;

  constructor(private readonly folder: string) {}

  /** Loads all samples, once. */
  load(): Promise<void> {
    this.loading ??= this.fetchSamples().catch((error) => {
      this.loading = null; // so that the next call tries again
      throw error;
    });
    return this.loading;
  }

  /** Starts a note at a time of the audio context, in seconds. */
  noteOn(context: BaseAudioContext, output: AudioNode, pitch: number, when: number): Voice {
    const sampled = nearestSamplePitch(pitch);
    const source = new AudioBufferSourceNode(context, {
      buffer: this.samples.get(sampled)!,
      playbackRate: 2 ** ((pitch - sampled) / 12),
    });
    const gain = new GainNode(context, { gain: NOTE_GAIN });
    source.connect(gain).connect(output);
    source.start(when);
    source.onended = () => gain.disconnect();
    return {
      noteOff(at: number) {
        gain.gain.setTargetAtTime(0, at, RELEASE_SECONDS);
        source.stop(at + 8 * RELEASE_SECONDS);
      },
    };
  }

  private async fetchSamples(): Promise<void> {
    const missing: number[] = [];
    for (let pitch = LOWEST_SAMPLE; pitch <= HIGHEST_SAMPLE; pitch += SAMPLE_SPACING) {
      if (!this.samples.has(pitch)) missing.push(pitch);
    }
    const worker = async () => {
      for (let pitch = missing.pop(); pitch !== undefined; pitch = missing.pop()) {
        this.samples.set(pitch, await this.fetchSample(pitch));
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    this.isLoaded = true;
  }

  private async fetchSample(pitch: number): Promise<AudioBuffer> {
    const response = await fetch(`${this.folder}/${pitch}.mp3`).catch(() => null);
    if (!response?.ok) throw new Error("The piano samples could not be loaded.");
    const decoder = new OfflineAudioContext(2, 1, SAMPLE_RATE); // an AudioContext would need a user gesture first
    return trimmed(await decoder.decodeAudioData(await response.arrayBuffer()));
  }
}

/** The first seconds of a sample, with a fade-out: thirty whole samples would fill the memory of a phone. */
function trimmed(sample: AudioBuffer): AudioBuffer {
  const length = Math.min(sample.length, SAMPLE_SECONDS * SAMPLE_RATE);
  const trimmed = new AudioBuffer({ length, numberOfChannels: sample.numberOfChannels, sampleRate: SAMPLE_RATE });
  const fade = Math.min(length, SAMPLE_RATE);
  for (let channel = 0; channel < sample.numberOfChannels; channel++) {
    const values = sample.getChannelData(channel).slice(0, length);
    for (let i = 1; i <= fade; i++) values[length - i]! *= i / fade;
    trimmed.copyToChannel(values, channel);
  }
  return trimmed;
}

/** Soft clipping for loud chords, used for both playback and WAV files so that they sound the same. */
export function softClipper(context: BaseAudioContext): WaveShaperNode {
  const curve = Float32Array.from({ length: 4097 }, (_, i) => Math.tanh((i / 2048 - 1) * 3) / Math.tanh(3));
  return new WaveShaperNode(context, { curve });
}
