// A part of the page that breaks takes only itself down: the rest stays, and says so.
import { Component, type ReactNode } from "react";

interface Props {
  broken: ReactNode;
  children: ReactNode;
}

export class Guard extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? this.props.broken : this.props.children;
  }
}
