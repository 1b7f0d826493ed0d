import type { Command } from 'commander';
import { addPrivacyPlanCommand } from './privacy-plan.ts';
import { addPrivacyReportCommand } from './privacy-report.ts';

export function addPrivacyCommands(privacy: Command): void {
  addPrivacyReportCommand(privacy);
  addPrivacyPlanCommand(privacy);
}
