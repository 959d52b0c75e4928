// Starts the page.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./parts/App";
import { Broken } from "./parts/Broken";
import { Guard } from "./parts/Guard";
import { Problem } from "./problem";
import "./looks/index.css";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false, // the stream says what changed
      retry: (failures, error) =>
        failures < 3 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
    },
  },
});

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with id root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Guard broken={<Broken />}>
        <App />
      </Guard>
    </QueryClientProvider>
  </StrictMode>,
);
