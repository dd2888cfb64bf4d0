"""Every benchmark, one after another: ``make bench``."""

from tests.bench import commands, evaluate

evaluate.main()
commands.main()
