// The console's build: TypeScript in, static files for the API to serve out.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../api/console",
    emptyOutDir: true,
    target: "es2023",
    sourcemap: false,
    assetsInlineLimit: 0, // everything is its own file, so that a strict content security policy can hold
    chunkSizeWarningLimit: 1500, // the map library is one chunk, loaded with the first alert
    rolldownOptions: { checks: { bundlerTimings: false } }, // how long the build's own parts took is nobody's concern
  },
  worker: { format: "es" },
  server: { proxy: { "/api": "http://127.0.0.1:8000" } },
});
