"""Sets module logging up as AWS's runtime does, but only when a function imports it:
the import takes as long as starting Python."""

import sys


class Watcher:
    """A finder that waits for the import of logging and then steps aside."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(cls)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader = Loader(spec.loader)
                return spec
        return None


class Loader:
    """Loads logging with its own loader and sets it up."""

    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        from . import logs

        logs.configure(module)


def install():
    """Wait for the import, or set up what is there already."""
    if "logging" in sys.modules:
        from . import logs

        logs.configure(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, Watcher)
