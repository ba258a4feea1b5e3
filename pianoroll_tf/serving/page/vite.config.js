// Builds src/ and index.html into dist/, together with the piano samples and the licences.
import { defineConfig } from "vite";
import { pianoSamples } from "./piano-samples.js";

export default defineConfig({
  base: "./",
  // The server answers / with index.html and has the other files under page/. Relative, so that it may stand behind a prefix.
  experimental: { renderBuiltUrl: (name, { hostType }) => (hostType === "html" ? `page/${name}` : { relative: true }) },
  plugins: [pianoSamples()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the server's Content-Security-Policy allows data: URLs only for images
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "^/(about|generate|primer|render)": "http://127.0.0.1:8501" } }, // for npx vite, which serves the page from source
  test: { include: ["tests/*.test.{ts,js}"], pool: "threads", isolate: false, maxWorkers: 1 },
});
