"""Curves of losses and held-out scores."""

from nicegui import ui

from lib.page.curves import loss_chart, score_chart
from lib.page.feed import Feed
from lib.page.parts import box, heading


class Charts:
    """Both charts; they are sent anew only where the log has grown."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._shown = (-1, -1)
        with box("card"):
            heading("Loss").set_text("lower is better; thin: as it is, thick: smoothed")
            self._loss = ui.echart(loss_chart([])).classes("chart")
        with box("card") as self._card:
            self._newest = heading("Held-out scores")
            self._scores = ui.echart(score_chart([])).classes("chart")

    def update(self) -> None:
        """Show what is new."""
        record = self._feed.record
        counts = len(record.losses), len(record.scores)
        if counts == self._shown:
            return
        is_scored = bool(record.scores)
        self._card.set_visibility(is_scored)
        if counts[0] != self._shown[0]:
            _renew(self._loss, loss_chart(record.losses))
        if is_scored and counts[1] != self._shown[1]:
            newest = record.scores[-1].values
            self._newest.set_text(
                f"faces that are not trained on, higher is better; newest: "
                f"{newest['psnr']:.2f} dB, SSIM {newest['ssim']:.3f}"
            )
            _renew(self._scores, score_chart(record.scores))
        self._shown = counts


def _renew(chart: ui.echart, options: dict[str, object]) -> None:
    chart.options.clear()
    chart.options.update(options)
    chart.update()
