"""`gnb` under FSDP on processors: accelerate gives FSDP to accelerators alone, while torch's own runs on gloo as well.

Run by `torchrun` with accelerate's environment variables for FSDP and the arguments of `gnb`.
"""

from accelerate import PartialState
from accelerate.utils import DistributedType

begin = PartialState.__init__


def begin_as_accelerator(self, *arguments, **options):
    begin(self, *arguments, **options)
    if self.distributed_type is DistributedType.MULTI_CPU:
        self.distributed_type = DistributedType.MULTI_HPU


PartialState.__init__ = begin_as_accelerator

from gnb.cli.main import main  # noqa: E402

main()
