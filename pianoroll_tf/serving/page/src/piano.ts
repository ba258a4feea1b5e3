// A sampled grand piano: one sample every three semitones, played faster or slower for the pitches between.

export const SAMPLE_RATE = 44_100;
/** Longest sound of a note in seconds: of a sample, played at its slowest. */
export const LONGEST_NOTE = 8;

const LOWEST_SAMPLE = 24;
const HIGHEST_SAMPLE = 108;
const SAMPLE_DISTANCE = 3;
const SAMPLE_SECONDS = 7; // what is kept of a sample; it falls silent over the last second
const LEVEL = 0.5;
const RELEASE = 0.09; // time constant of a damper, in seconds

/** A note that sounds. */
export interface Voice {
  /** Lets go of the key. */
  release(when: number): void;
}

/** The sample nearest to a pitch. */
export function samplePitch(pitch: number): number {
  const nearest = LOWEST_SAMPLE + Math.round((pitch - LOWEST_SAMPLE) / SAMPLE_DISTANCE) * SAMPLE_DISTANCE;
  return Math.max(LOWEST_SAMPLE, Math.min(HIGHEST_SAMPLE, nearest));
}

export class Piano {
  private samples = new Map<number, AudioBuffer>();
  private loading: Promise<void> | null = null;

  constructor(private readonly folder: string) {}

  /** Gets all samples, once. */
  load(): Promise<void> {
    this.loading ??= this.fetchAll().catch((error) => {
      this.loading = null; // the next call tries again
      throw error;
    });
    return this.loading;
  }

  /** Strikes a key at a time of the context. */
  strike(context: BaseAudioContext, out: AudioNode, pitch: number, when: number): Voice {
    const sampled = samplePitch(pitch);
    const source = new AudioBufferSourceNode(context, {
      buffer: this.samples.get(sampled)!,
      playbackRate: 2 ** ((pitch - sampled) / 12),
    });
    const gain = new GainNode(context, { gain: LEVEL });
    source.connect(gain).connect(out);
    source.start(when);
    source.onended = () => gain.disconnect();
    return {
      release(at: number) {
        gain.gain.setTargetAtTime(0, at, RELEASE);
        source.stop(at + 8 * RELEASE);
      },
    };
  }

  private async fetchAll(): Promise<void> {
    const missing: number[] = [];
    for (let pitch = LOWEST_SAMPLE; pitch <= HIGHEST_SAMPLE; pitch += SAMPLE_DISTANCE) {
      if (!this.samples.has(pitch)) missing.push(pitch);
    }
    const worker = async () => {
      for (let pitch = missing.pop(); pitch !== undefined; pitch = missing.pop()) {
        this.samples.set(pitch, await this.fetchOne(pitch));
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
  }

  private async fetchOne(pitch: number): Promise<AudioBuffer> {
    const response = await fetch(`${this.folder}/${pitch}.mp3`).catch(() => null);
    if (!response?.ok) throw new Error("The sound of the piano could not be loaded.");
    const decoder = new OfflineAudioContext(2, 1, SAMPLE_RATE); // needs no press of a key by the user
    return shortened(await decoder.decodeAudioData(await response.arrayBuffer()));
  }
}

/** The first seconds of a sample, so that thirty of them fit into a phone. */
function shortened(sample: AudioBuffer): AudioBuffer {
  const length = Math.min(sample.length, SAMPLE_SECONDS * SAMPLE_RATE);
  const short = new AudioBuffer({ length, numberOfChannels: sample.numberOfChannels, sampleRate: SAMPLE_RATE });
  const fade = Math.min(length, SAMPLE_RATE);
  for (let channel = 0; channel < sample.numberOfChannels; channel++) {
    const values = sample.getChannelData(channel).slice(0, length);
    for (let i = 1; i <= fade; i++) values[length - i]! *= i / fade;
    short.copyToChannel(values, channel);
  }
  return short;
}

/** Bends the peaks of loud chords instead of cutting them; the same in what is heard and in a WAV file. */
export function softLimit(context: BaseAudioContext): WaveShaperNode {
  const curve = Float32Array.from({ length: 4097 }, (_, i) => Math.tanh((i / 2048 - 1) * 3) / Math.tanh(3));
  return new WaveShaperNode(context, { curve });
}
