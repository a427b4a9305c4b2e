"""The words: keys and masks, tables with described columns, labels, verdicts, configuration, findings, errors."""
