"""Tests of the conversion of published rows into margin schedules."""
