// How the page is built: src/ and index.html -> dist/, the piano's samples and the licences beside them.
import { defineConfig } from "vite";
import { pianoSamples } from "./piano-samples.js";

export default defineConfig({
  base: "/page/",
  plugins: [pianoSamples()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the server's policy forbids data: everywhere but in images
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "^/(about|generate|primer)": "http://127.0.0.1:8501" } }, // npx vite: the page from source
  test: { include: ["tests/*.test.{ts,js}"], pool: "threads", isolate: false, maxWorkers: 1 },
});
