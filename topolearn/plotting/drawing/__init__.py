"""What all plots share: axes, style, legible colours, and text, ticks and legends that fit."""
