import { expect, it } from "vitest";
import { interleave, wavHeader } from "../src/wav";

it("writes the header of a WAV file", () => {
  const view = new DataView(wavHeader(100, 2, 44_100));
  const text = (at: number) => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
  expect([text(0), text(8), text(12), text(36)]).toEqual(["RIFF", "WAVE", "fmt ", "data"]);
  expect([4, 16, 24, 28, 40].map((at) => view.getUint32(at, true))).toEqual([436, 16, 44_100, 176_400, 400]);
  expect([20, 22, 32, 34].map((at) => view.getUint16(at, true))).toEqual([1, 2, 4, 16]);
});

it("interleaves channels and clips values that are too loud", () => {
  const samples = [Float32Array.of(0, 1), Float32Array.of(-0.5, -3)];
  expect([...interleave(samples)]).toEqual([0, -16383, 32767, -32767]);
});
